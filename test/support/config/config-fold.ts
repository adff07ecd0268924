/** A record of the config topic. */
export interface ConfigEntry {
  readonly offset: number
  readonly key: string
  /** The parsed JSON; null: a tombstone. */
  readonly value: unknown
}

export type Properties = Readonly<Record<string, string>>
type TargetState = 'STARTED' | 'PAUSED' | 'STOPPED'

/** What the config topic says of one connector. */
export interface FoldedConnector {
  readonly config: Properties
  /** Its task configs, as far as they are committed and complete. */
  readonly tasks: readonly Properties[]
  readonly targetState: TargetState
}

export type ConfigFold = ReadonlyMap<string, FoldedConnector>

/** The record with this key and this text, as any client reads them. */
export function configEntry(record: {
  readonly offset: number
  readonly key: string | null
  readonly value: string | null
}): ConfigEntry {
  const { offset, key, value } = record
  return { offset, key: key ?? '', value: value === null ? null : JSON.parse(value) }
}

/**
 * What the records of the config topic mean, by Connect's rules, and independent of `src/storage` and `src/herder`: a connector
 * exists from its record to its tombstone; task configs count from the commit that follows them, as a complete set; the target
 * state is STARTED unless a record says otherwise.
 */
export function foldConfigs(entries: readonly ConfigEntry[]): ConfigFold {
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
      else states.set(name, targetStateOf(value))
    } else if (kind === 'task' && value !== null) {
      const [, connector = '', number = ''] = /^(.+)-(\d+)$/.exec(name) ?? []
      const set = uncommitted.get(connector) ?? new Map<number, Properties>()
      uncommitted.set(connector, set.set(Number(number), propertiesOf(value)))
    } else if (kind === 'commit') {
      const count = (value as { readonly tasks: number } | null)?.tasks ?? 0
      if (configs.has(name)) tasks.set(name, completeSet(uncommitted.get(name) ?? new Map(), count))
      uncommitted.delete(name)
    }
  }
  return new Map(
    [...configs].map(([name, config]) => [
      name,
      { config, tasks: tasks.get(name) ?? [], targetState: states.get(name) ?? 'STARTED' },
    ]),
  )
}

/** The state that a connector and its tasks have to show. */
export function expectedState({ targetState }: FoldedConnector): 'RUNNING' | 'PAUSED' | 'STOPPED' {
  return targetState === 'STARTED' ? 'RUNNING' : targetState
}

/** The configs of the tasks that have to run, or to be paused. */
export function expectedTasks({ targetState, tasks }: FoldedConnector): readonly Properties[] {
  return targetState === 'STOPPED' ? [] : tasks
}

function completeSet(set: ReadonlyMap<number, Properties>, count: number): readonly Properties[] {
  const configs = [...set].filter(([number]) => number < count).toSorted(([a], [b]) => a - b)
  return configs.length < count ? [] : configs.map(([, config]) => config)
}

function propertiesOf(value: unknown): Properties {
  return (value as { readonly properties: Properties }).properties
}

/** `state` is what workers before Kafka 3.5 read: it cannot say STOPPED. */
function targetStateOf(value: unknown): TargetState {
  const { 'state.v2': current, state } = value as { readonly 'state.v2'?: TargetState; readonly state: TargetState }
  return current ?? state
}
