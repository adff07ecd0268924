import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'

import type { RawConfig } from '../../api/config-def.ts'
import { unusableName } from '../../config/connector/connector-name.ts'
import type { TaskId } from '../../config/connector/task-id.ts'
import type { TargetState } from '../../config/connector/target-state.ts'
import type { ConfigRecord } from '../../storage/config-record.ts'

/** What a record of the config topic changed. */
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
  /** The name in its records. */
  readonly name: string
  readonly config: RawConfig
  /** What is wrong with the name. */
  readonly reason: string
}

interface ConnectorEntry {
  config: RawConfig
  /** Complete sets only: ids 0…taskCount-1. Empty while the set is inconsistent. */
  tasks: readonly RawConfig[]
  taskCount: number
  /** The offset of the commit that changed each task. One that runs with another generation has to restart. */
  taskGenerations: readonly number[]
  /** Task records of the last commit were missing: compaction removed them. The task configs must be generated again. */
  inconsistent: boolean
  /** The connector config that was in effect at the last commit; null before the first. */
  appliedConfig: RawConfig | null
}

/**
 * The configuration of the cluster: a fold of the records of the config topic, and of nothing else (I4). Task configs
 * are deferred until their commit record, and applied only as a complete set.
 */
export class ClusterConfigState {
  readonly #connectors = new Map<string, ConnectorEntry>()
  readonly #targetStates = new Map<string, TargetState>()
  /** The last task counts of exactly-once sources. They outlive the connector: one that is created again must fence its tasks. */
  readonly #taskCountRecords = new Map<string, number>()
  /** Connectors whose task configs are newer than their task count record. */
  readonly #pendingFencing = new Set<string>()
  readonly #deferredTaskUpdates = new Map<string, Map<number, RawConfig>>()
  readonly #unusable = new Map<string, UnusableConnector>()
  #offset = 0

  /** The offset after the last record that was applied; workers compare it when they join the group. */
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

  /** Connectors that no worker can run, by the short names that replace theirs: see {@link replacementName}. */
  unusable(): ReadonlyMap<string, UnusableConnector> {
    return this.#unusable
  }

  /** The connector config that the current task configs were generated from; null before the first commit. */
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

  /** The task count of the last commit, also when task records are missing. */
  taskCount(connector: string): number {
    return this.#connectors.get(connector)?.taskCount ?? 0
  }

  /** Whether task configs were committed since the connector was created. */
  hasCommit(connector: string): boolean {
    return this.#connectors.get(connector)?.appliedConfig !== null
  }

  /** The offset of the commit that changed a task, or the connector config that it reads; -1 when there is no such task. */
  taskGeneration({ connector, task }: TaskId): number {
    return this.#connectors.get(connector)?.taskGenerations[task] ?? -1
  }

  /** The number of tasks that ran at the last fencing of an exactly-once source; null before the first. */
  taskCountRecord(connector: string): number | null {
    return this.#taskCountRecords.get(connector) ?? null
  }

  /** Whether task configs were committed since the last fencing. */
  isFencingPending(connector: string): boolean {
    return this.#pendingFencing.has(connector)
  }

  isInconsistent(connector: string): boolean {
    return this.#connectors.get(connector)?.inconsistent ?? false
  }

  /** Applies the record at `offset`. Returns what changed; null when there is nothing to act upon. */
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
      case 'tasks-fencing':
        this.#applyTaskCount(record.connector, record.tasks)
        return null
      default:
        return null
    }
  }

  /** A record that could not be read still moves the offset. */
  skip(offset: number): null {
    this.#offset = offset + 1
    return null
  }

  /** Only the existence of a connector that cannot run matters. */
  #applyUnusable(record: ConfigRecord, reason: string): ConfigChange | null {
    if (record.type !== 'connector') return null
    const connector = replacementName(record.connector)
    if (record.config === null) {
      if (!this.#unusable.delete(connector)) return null
      return { type: 'connector-removed', connector }
    }
    this.#unusable.set(connector, { name: record.connector, config: record.config, reason })
    return { type: 'connector-config', connector }
  }

  #applyConnector(connector: string, config: RawConfig | null): ConfigChange | null {
    if (config === null) {
      this.#deferredTaskUpdates.delete(connector)
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
    let deferred = this.#deferredTaskUpdates.get(connector)
    if (deferred === undefined) {
      deferred = new Map()
      this.#deferredTaskUpdates.set(connector, deferred)
    }
    deferred.set(task, config)
  }

  /** The deferred records alone must form the set; ids beyond it are left over from a larger one. */
  #applyCommit(connector: string, count: number): ConfigChange | null {
    const deferred = this.#deferredTaskUpdates.get(connector)
    this.#deferredTaskUpdates.delete(connector)
    const entry = this.#connectors.get(connector)
    if (entry === undefined) return null
    // A record may claim any count: the work is bounded by the task records that exist.
    const tasks = [...(deferred ?? [])].filter(([task]) => task < count).toSorted(([a], [b]) => a - b)
    entry.inconsistent = tasks.length < count
    const configs = entry.inconsistent ? [] : tasks.map(([, config]) => config)
    const keeps = isDeepStrictEqual(entry.appliedConfig, entry.config)
    entry.taskGenerations = configs.map((config, task) => {
      const before = keeps && isDeepStrictEqual(config, entry.tasks[task]) ? entry.taskGenerations[task] : undefined
      return before ?? this.#offset - 1
    })
    entry.tasks = configs
    entry.taskCount = count
    this.#pendingFencing.add(connector)
    entry.appliedConfig = entry.config
    return { type: 'tasks', connector }
  }

  #applyTaskCount(connector: string, tasks: number | null): void {
    this.#pendingFencing.delete(connector)
    if (tasks === null) this.#taskCountRecords.delete(connector)
    else this.#taskCountRecords.set(connector, tasks)
  }

  #applyTargetState(connector: string, state: TargetState | null): ConfigChange | null {
    if (state === null) this.#targetStates.delete(connector)
    else this.#targetStates.set(connector, state)
    return this.#connectors.has(connector) ? { type: 'target-state', connector } : null
  }
}

/** What the status of an unusable connector shows, and every request for it but its deletion is rejected with. */
export function unusableMessage(replacement: string, { reason }: UnusableConnector): string {
  return `CONNECTOR_NAME_UNUSABLE: the connector is in the config topic, but ${reason}. "${replacement}" stands in for it: DELETE that, and create it under another name.`
}

/** A name that a REST path can hold, for one that it cannot: its beginning, and a hash that makes it unique. */
function replacementName(name: string): string {
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 16)
  return `${name.slice(0, 40)}~${hash}`
}

function newEntry(config: RawConfig): ConnectorEntry {
  return { config, tasks: [], taskCount: 0, taskGenerations: [], inconsistent: false, appliedConfig: null }
}
