import type { Paint } from '../output/terminal.ts'
import { printable } from '../output/text.ts'
import type { Config } from '../rest-client/entities.ts'
import { mask, type Shown } from './secrets.ts'

/** An option that differs. Null: it is not there. */
export interface Difference {
  readonly option: string
  readonly before: string | null
  readonly after: string | null
}

/** The options that differ, by name. */
export function differences(before: Config, after: Config): readonly Difference[] {
  const of = (config: Config, option: string): string | null =>
    Object.hasOwn(config, option) ? (config[option] ?? null) : null
  const options = [...new Set([...Object.keys(before), ...Object.keys(after)])].toSorted((a, b) => (a < b ? -1 : 1))
  return options
    .map((option) => ({ option, before: of(before, option), after: of(after, option) }))
    .filter((each) => each.before !== each.after)
}

/** The differences as they may be shown: secrets masked. */
export function shownDifferences(found: readonly Difference[], shown: Shown): readonly Difference[] {
  const of = (option: string, value: string | null): string | null => (value === null ? null : shown(option, value))
  return found.map(({ option, before, after }) => ({ option, before: of(option, before), after: of(option, after) }))
}

/** Lines `- option = before` and `+ option = after`. */
export function differenceLines(found: readonly Difference[], paint: Paint): readonly string[] {
  return found.flatMap(({ option, before, after }) => {
    const isHidden = before !== null && before === after
    const note = isHidden && before.includes(mask) ? '  (another secret)' : ''
    return [
      ...(before === null ? [] : [paint('red', `    - ${printable(option)} = ${printable(before)}`)]),
      ...(after === null ? [] : [paint('green', `    + ${printable(option)} = ${printable(after)}${note}`)]),
    ]
  })
}
