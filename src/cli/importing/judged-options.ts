import { mask } from '../configs/secrets.ts'
import type { Config, ConfigInfos, ConfigKey } from '../rest-client/entities.ts'

/** What becomes of an option: it works, it does something else, it has no effect, or the connector cannot run with it. */
export type Verdict = 'works' | 'differs' | 'ignored' | 'cannot'

export interface JudgedOption {
  readonly option: string
  readonly verdict: Verdict
  /** Empty for one that works. */
  readonly reason: string
}

/** What is known of a connector that is to be imported. */
export interface Imported {
  readonly config: Config
  /** What the server says that it is to run on. */
  readonly infos: ConfigInfos
  /** The options of its plugin on the server that it comes from; null when there is none to ask. */
  readonly theirs: readonly ConfigKey[] | null
}

/** Options that are handed on to a part of the worker, which validation does not list. */
const handedOn =
  /^(?:producer\.override|consumer\.override|admin\.override|topic\.creation|(?:key|value|header)\.converter|transforms|predicates|errors)\./

/** Judges each option that the config has, and those that it leaves out and whose default differs. The worst come first. */
export function judgedOptions({ config, infos, theirs }: Imported): readonly JudgedOption[] {
  const ours = new Map(
    infos.configs.flatMap(({ definition }) => (definition === null ? [] : [[definition.name, definition] as const])),
  )
  const errors = new Map(
    infos.configs.flatMap(({ value }) => (value === null ? [] : [[value.name, value.errors] as const])),
  )
  const given = Object.entries(config).map(([option, value]): JudgedOption => {
    const found = errors.get(option) ?? []
    if (value === mask)
      return { option, verdict: 'cannot', reason: 'its value is masked by the server that it comes from: set it' }
    if (found.length > 0) return { option, verdict: 'cannot', reason: reasonOf(found) }
    if (ours.has(option) || handedOn.test(option)) return { option, verdict: 'works', reason: '' }
    return { option, verdict: 'ignored', reason: ignoredReason(option, theirs) }
  })
  const missing = [...errors].flatMap(([option, found]): readonly JudgedOption[] =>
    found.length === 0 || Object.hasOwn(config, option) ? [] : [{ option, verdict: 'cannot', reason: reasonOf(found) }],
  )
  const defaults = (theirs ?? []).flatMap((key) => differingDefault(key, ours.get(key.name), config))
  return [...given, ...missing, ...defaults].toSorted((a, b) => ranks[a.verdict] - ranks[b.verdict])
}

const ranks: Readonly<Record<Verdict, number>> = { cannot: 0, differs: 1, ignored: 2, works: 3 }

/** The errors of an option, whose name stands before them. */
const reasonOf = (errors: readonly string[]): string =>
  errors.map((text) => text.replace(/^Invalid value (.*?) for configuration \S+: /, '"$1": ')).join(' ')

function ignoredReason(option: string, theirs: readonly ConfigKey[] | null): string {
  if (theirs === null) return 'the plugin here does not have it: it has no effect'
  return theirs.some(({ name }) => name === option)
    ? 'the plugin here does not have it: what it does there does not happen'
    : 'neither plugin has it: it has no effect'
}

function differingDefault(their: ConfigKey, our: ConfigKey | undefined, config: Config): readonly JudgedOption[] {
  if (our === undefined || Object.hasOwn(config, their.name) || our.default_value === their.default_value) return []
  const text = (value: string | null): string => (value === null || value === '' ? 'empty' : value)
  const reason = `not set, and the default is ${text(our.default_value)} here, ${text(their.default_value)} there`
  return [{ option: their.name, verdict: 'differs', reason }]
}

/** What becomes of a connector: what becomes of its worst option. */
export function verdictOf(options: readonly JudgedOption[]): Exclude<Verdict, 'ignored'> {
  if (options.some(({ verdict }) => verdict === 'cannot')) return 'cannot'
  return options.some(({ verdict }) => verdict === 'differs' || verdict === 'ignored') ? 'differs' : 'works'
}
