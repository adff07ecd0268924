/** A record of the config topic. */
export interface ConfigEntry {
  readonly offset: number
  readonly key: string
  /** The parsed JSON; null: a tombstone. */
  readonly value: unknown
}

type Properties = Readonly<Record<string, string>>
type TargetState = 'STARTED' | 'PAUSED' | 'STOPPED'

/** What the config topic says of one connector. */
export interface FoldedConnector {
  readonly config: Properties
  readonly tasks: readonly Properties[]
  readonly state: TargetState
}

/**
 * What the records of the config topic mean, by Connect's rules, and independent of `ClusterConfigState`: a connector exists
 * from its record to its tombstone; task configs count from the commit that follows them, as a complete set; the target state
 * is STARTED unless a record says otherwise.
 */
export function foldConfigs(entries: readonly ConfigEntry[]): ReadonlyMap<string, FoldedConnector> {
  const configs = new Map<string, Properties>()
  const tasks = new Map<string, readonly Properties[]>()
  const states = new Map<string, TargetState>()
  const uncommitted = new Map<string, Map<number, Properties>>()
  for (const { key, value } of entries) {
    const [, kind = '', name = ''] = /^(connector|commit|target-state|task)-(.+)$/.exec(key) ?? []
    if (kind === 'connector') {
      if (value === null) for (const map of [configs, tasks, uncommitted]) map.delete(name)
      else configs.set(name, propertiesOf(value))
    } else if (kind === 'target-state') {
      if (value === null) states.delete(name)
      else states.set(name, (value as { readonly 'state.v2': TargetState })['state.v2'])
    } else if (kind === 'task') {
      const [, connector = '', number = ''] = /^(.+)-(\d+)$/.exec(name) ?? []
      const set = uncommitted.get(connector) ?? new Map<number, Properties>()
      uncommitted.set(connector, set.set(Number(number), propertiesOf(value)))
    } else if (kind === 'commit') {
      const count = (value as { readonly tasks: number }).tasks
      if (configs.has(name)) tasks.set(name, completeSet(uncommitted.get(name) ?? new Map(), count))
      uncommitted.delete(name)
    }
  }
  return new Map(
    [...configs].map(([name, config]) => [
      name,
      { config, tasks: tasks.get(name) ?? [], state: states.get(name) ?? 'STARTED' },
    ]),
  )
}

function completeSet(set: ReadonlyMap<number, Properties>, count: number): readonly Properties[] {
  const configs = [...set].filter(([number]) => number < count).toSorted(([a], [b]) => a - b)
  return configs.length < count ? [] : configs.map(([, config]) => config)
}

function propertiesOf(value: unknown): Properties {
  return (value as { readonly properties: Properties }).properties
}
