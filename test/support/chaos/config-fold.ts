import type { ReadRecord } from './group-reader.ts'

export type Config = Readonly<Record<string, string>>

/** What the config topic says of a connector. */
export interface FoldedConnector {
  readonly config: Config
  readonly targetState: string
  /** Its task configs, as far as they are committed and complete. */
  readonly tasks: readonly Config[]
}

interface Entry {
  config: Config
  tasks: readonly Config[]
}

/** Folds the records of a config topic as Kafka Connect's documentation describes them: a second opinion on `src/storage`. */
export function foldConfigs(records: readonly ReadRecord[]): ReadonlyMap<string, FoldedConnector> {
  const connectors = new Map<string, Entry>()
  const targetStates = new Map<string, string>()
  const uncommitted = new Map<string, Map<number, Config>>()
  const apply = (kind: string, rest: string, value: Record<string, unknown> | null): void => {
    switch (kind) {
      case 'target-state':
        if (value === null) targetStates.delete(rest)
        else targetStates.set(rest, String(value['state.v2'] ?? value['state']))
        return
      case 'connector': {
        const known = connectors.get(rest)
        if (value === null) {
          connectors.delete(rest)
          uncommitted.delete(rest)
        } else if (known === undefined) connectors.set(rest, { config: value['properties'] as Config, tasks: [] })
        else known.config = value['properties'] as Config
        return
      }
      case 'task': {
        const [, name = '', task] = /^(.+)-(\d+)$/.exec(rest) ?? []
        const tasks = uncommitted.get(name) ?? new Map<number, Config>()
        if (value !== null) uncommitted.set(name, tasks.set(Number(task), value['properties'] as Config))
        return
      }
      case 'commit': {
        const known = connectors.get(rest)
        const tasks = uncommitted.get(rest) ?? new Map<number, Config>()
        uncommitted.delete(rest)
        const configs = Array.from({ length: Number(value?.['tasks'] ?? 0) }, (_, task) => tasks.get(task))
        if (known !== undefined) known.tasks = configs.includes(undefined) ? [] : (configs as Config[])
      }
    }
  }
  for (const { key, value } of records) {
    const [, kind, rest] = /^(target-state|connector|task|commit)-(.+)$/.exec(key ?? '') ?? []
    if (kind !== undefined && rest !== undefined) apply(kind, rest, value === null ? null : JSON.parse(value))
  }
  return new Map(
    [...connectors].map(([name, entry]) => [name, { ...entry, targetState: targetStates.get(name) ?? 'STARTED' }]),
  )
}
