import type { RawConfig } from '../api/config-def.ts'
import type { ConfigRecord, TargetState } from '../storage/config-record.ts'

/** What a record of the config topic changed, for those who act upon it. */
export type ConfigChange =
  | { readonly type: 'connector-config'; readonly connector: string }
  | { readonly type: 'connector-removed'; readonly connector: string }
  | { readonly type: 'tasks'; readonly connector: string }
  | { readonly type: 'target-state'; readonly connector: string }
  | {
      readonly type: 'restart'
      readonly connector: string
      readonly onlyFailed: boolean
      readonly includeTasks: boolean
    }

interface ConnectorEntry {
  config: RawConfig
  /** Complete sets only: ids 0…taskCount-1. Empty while the set is inconsistent. */
  tasks: readonly RawConfig[]
  taskCount: number
  /** Rises with every commit: tasks of an earlier one have to be started again, even with equal configs. */
  taskGeneration: number
  /** The last commit found task records missing: compaction removed superseded ones. Its tasks have to be made again. */
  inconsistent: boolean
  /** The connector config that was in force at the last commit; null before the first. */
  appliedConfig: RawConfig | null
}

/**
 * The configuration as the config topic tells it (I4): a fold over its records, in order. Task configs are put aside
 * until their commit arrives, and taken only as a complete set.
 */
export class ConfigFold {
  readonly #connectors = new Map<string, ConnectorEntry>()
  readonly #targetStates = new Map<string, TargetState>()
  readonly #deferred = new Map<string, Map<number, RawConfig>>()
  #offset = 0

  /** The offset after the last record applied; workers compare it when they join. */
  get offset(): number {
    return this.#offset
  }

  /** Names in the order of their first record. */
  connectors(): readonly string[] {
    return [...this.#connectors.keys()]
  }

  has(connector: string): boolean {
    return this.#connectors.has(connector)
  }

  config(connector: string): RawConfig | null {
    return this.#connectors.get(connector)?.config ?? null
  }

  /** The config that the current tasks were made from; null before the first. */
  appliedConfig(connector: string): RawConfig | null {
    return this.#connectors.get(connector)?.appliedConfig ?? null
  }

  targetState(connector: string): TargetState {
    return this.#targetStates.get(connector) ?? 'STARTED'
  }

  /** Task configs by number; empty when there are none or their set is incomplete. */
  tasks(connector: string): readonly RawConfig[] {
    return this.#connectors.get(connector)?.tasks ?? []
  }

  /** The number of the last commit, also when task records are missing. */
  taskCount(connector: string): number {
    return this.#connectors.get(connector)?.taskCount ?? 0
  }

  /** Which task set is in force; 0 before the first. */
  taskGeneration(connector: string): number {
    return this.#connectors.get(connector)?.taskGeneration ?? 0
  }

  isInconsistent(connector: string): boolean {
    return this.#connectors.get(connector)?.inconsistent ?? false
  }

  /** Takes in the record at `offset`; answers what changed, null when nothing that anybody acts upon did. */
  apply(record: ConfigRecord, offset: number): ConfigChange | null {
    this.#offset = offset + 1
    switch (record.type) {
      case 'connector':
        return this.#applyConnector(record.connector, record.config)
      case 'task':
        if (record.config !== null) this.#deferTask(record.connector, record.task, record.config)
        return null
      case 'commit':
        return record.tasks === null ? null : this.#applyCommit(record.connector, record.tasks)
      case 'target-state':
        return this.#applyTargetState(record.connector, record.state)
      case 'restart':
        return record
      default:
        return null
    }
  }

  /** A record that could not be read still moves the offset. */
  skip(offset: number): null {
    this.#offset = offset + 1
    return null
  }

  #applyConnector(connector: string, config: RawConfig | null): ConfigChange | null {
    if (config === null) {
      this.#deferred.delete(connector)
      if (!this.#connectors.delete(connector)) return null
      return { type: 'connector-removed', connector }
    }
    const known = this.#connectors.get(connector)
    if (known === undefined) {
      this.#connectors.set(connector, newEntry(config))
    } else known.config = config
    return { type: 'connector-config', connector }
  }

  #deferTask(connector: string, task: number, config: RawConfig): void {
    let deferred = this.#deferred.get(connector)
    if (deferred === undefined) {
      deferred = new Map()
      this.#deferred.set(connector, deferred)
    }
    deferred.set(task, config)
  }

  /** The stashed records alone have to make the set; ids beyond it are left over from a larger one. */
  #applyCommit(connector: string, count: number): ConfigChange | null {
    const deferred = this.#deferred.get(connector)
    this.#deferred.delete(connector)
    const entry = this.#connectors.get(connector)
    if (entry === undefined) return null
    const tasks: RawConfig[] = []
    for (let task = 0; task < count; task += 1) {
      const config = deferred?.get(task)
      if (config !== undefined) tasks.push(config)
    }
    entry.inconsistent = tasks.length < count
    entry.tasks = entry.inconsistent ? [] : tasks
    entry.taskCount = count
    entry.taskGeneration += 1
    entry.appliedConfig = entry.config
    return { type: 'tasks', connector }
  }

  #applyTargetState(connector: string, state: TargetState | null): ConfigChange | null {
    if (state === null) this.#targetStates.delete(connector)
    else this.#targetStates.set(connector, state)
    return this.#connectors.has(connector) ? { type: 'target-state', connector } : null
  }
}

function newEntry(config: RawConfig): ConnectorEntry {
  return { config, tasks: [], taskCount: 0, taskGeneration: 0, inconsistent: false, appliedConfig: null }
}
