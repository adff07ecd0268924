import type { CaseJson } from '../oracle-json.ts'
import { castCases } from './cast.ts'
import { flattenCases } from './flatten.ts'
import { headerCases } from './headers.ts'
import { laterCases } from './later.ts'
import { randomCases } from './random.ts'
import { routingCases } from './routing.ts'
import { insertCases, maskCases, structCases } from './structs.ts'
import { timestampCases, timestampRouterCases } from './timestamps.ts'

const groups = [
  ['cast', castCases],
  ['flatten', flattenCases],
  ['headers', headerCases],
  ['insert', insertCases],
  ['mask', maskCases],
  ['random', randomCases],
  ['routing', routingCases],
  ['structs', structCases],
  ['timestamps', timestampCases],
  ['timestamp-router', timestampRouterCases],
] as const satisfies readonly (readonly [string, readonly CaseJson[]])[]

/** Cases of a version of Kafka Connect, by the file in which their results are recorded. No two have the same name. */
export type CaseGroups = ReadonlyMap<string, readonly CaseJson[]>

/** What Kafka Connect 4.4 adds. */
export const laterGroups: CaseGroups = new Map([['value-to-key-4.4', distinct(laterCases)]])

/** The cases of Kafka Connect 3.9.1. */
export const caseGroups: CaseGroups = new Map(groups.map(([file, cases]) => [file, distinct(cases)]))

/** Returns the cases without repetitions, each with a name of its own. */
export function distinct(cases: readonly CaseJson[]): readonly CaseJson[] {
  const texts = new Map(cases.map((one) => [JSON.stringify(one), one]))
  const named = new Map<string, number>()
  return [...texts.values()].map((one) => {
    const count = (named.get(one.name) ?? 0) + 1
    named.set(one.name, count)
    return count === 1 ? one : Object.assign({}, one, { name: `${one.name} (${count})` })
  })
}
