import type { TargetState } from '../config/connector/target-state.ts'
import { createHash } from 'node:crypto'

import type { RawConfig } from '../api/config-def.ts'
import { unusableName } from '../config/connector/connector-name.ts'
import type { ConfigRecord } from '../storage/config-record.ts'

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

/** A connector of the config topic that cannot run under its name. */
export interface UnusableConnector {
  /** As its records have it. */
  readonly name: string
  readonly config: RawConfig
  /** What is wrong with it. */
  readonly reason: string
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
  readonly #unusable = new Map<string, UnusableConnector>()
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

  /** Connectors that no worker can run, by the short names that stand in for theirs: see {@link standIn}. */
  unusable(): ReadonlyMap<string, UnusableConnector> {
    return this.#unusable
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
    const reason = 'connector' in record ? unusableName(record.connector) : null
    return reason === null ? this.#apply(record) : this.#applyUnusable(record, reason)
  }

  #apply(record: ConfigRecord): ConfigChange | null {
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

  /** Of a connector that cannot run only its existence counts. */
  #applyUnusable(record: ConfigRecord, reason: string): ConfigChange | null {
    if (record.type !== 'connector') return null
    const connector = standIn(record.connector)
    if (record.config === null) {
      if (!this.#unusable.delete(connector)) return null
      return { type: 'connector-removed', connector }
    }
    this.#unusable.set(connector, { name: record.connector, config: record.config, reason })
    return { type: 'connector-config', connector }
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
    // The count is what a record says, so the work is bounded by the records that are there.
    const tasks = [...(deferred ?? [])].filter(([task]) => task < count).toSorted(([a], [b]) => a - b)
    entry.inconsistent = tasks.length < count
    entry.tasks = entry.inconsistent ? [] : tasks.map(([, config]) => config)
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

/** A name that REST can say, for one that it cannot: its beginning, and a hash that tells it from its like. */
function standIn(name: string): string {
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 16)
  return `${name.slice(0, 40)}~${hash}`
}

function newEntry(config: RawConfig): ConnectorEntry {
  return { config, tasks: [], taskCount: 0, taskGeneration: 0, inconsistent: false, appliedConfig: null }
}
