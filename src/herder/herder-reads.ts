import { type TaskId, formatTaskId } from '../config/connector/task-id.ts'
import type { RawConfig } from '../api/config-def.ts'
import { NotFoundError } from '../api/errors.ts'
import { sinkGroupId } from '../config/connector/connector-problems.ts'
import type { PluginDescriptor } from '../plugin/plugin-descriptor.ts'
import type { PluginRegistry } from '../plugin/plugin-registry.ts'
import type { ConnectorInfo } from './entities/connector-info.ts'
import type { ConnectorOffsets } from './entities/connector-offsets.ts'
import type { ConnectorStatus, TaskStatus } from './entities/connector-status.ts'
import type { ConnectorClass } from './group/group-leader.ts'
import type { ConnectorType } from './entities/connector-type.ts'
import type { PluginInfo } from './entities/plugin-info.ts'
import type { TaskInfo } from './entities/task-info.ts'
import type { ClusterConfigState } from './state/cluster-config-state.ts'
import type { ConnectorOffsetReader } from './offsets/connector-offset-reader.ts'
import type { WorkerStatusStore } from './state/worker-status-store.ts'

/** Reads the offsets of connectors. */
export type OffsetReader = Pick<ConnectorOffsetReader, 'ofSource' | 'ofGroup'>

export interface HerderReadsOptions {
  readonly configState: ClusterConfigState
  readonly statuses: WorkerStatusStore
  readonly offsets: OffsetReader
  readonly plugins: PluginRegistry
}

/** What the REST API reads, from this worker's own view of the internal topics. */
export class HerderReads {
  readonly #configState: ClusterConfigState
  readonly #statuses: WorkerStatusStore
  readonly #offsets: OffsetReader
  readonly #plugins: PluginRegistry

  constructor({ configState, statuses, offsets, plugins }: HerderReadsOptions) {
    this.#configState = configState
    this.#statuses = statuses
    this.#offsets = offsets
    this.#plugins = plugins
  }

  /** Includes the replacement names of connectors that cannot run. */
  connectors(): readonly string[] {
    return [...this.#configState.connectors(), ...this.#configState.unusable().keys()]
  }

  connectorInfo(connector: string): ConnectorInfo {
    const config = this.connectorConfig(connector)
    const tasks = this.#configState.tasks(connector).map((_, task) => ({ connector, task }))
    return { name: connector, config, tasks, type: this.typeOf(config) }
  }

  connectorConfig(connector: string): RawConfig {
    const config = this.#configOf(connector)
    if (config === null) throw new NotFoundError(`Connector ${connector} not found`)
    return config
  }

  taskInfos(connector: string): readonly TaskInfo[] {
    this.connectorConfig(connector)
    return this.#configState.tasks(connector).map((config, task) => ({ id: { connector, task }, config }))
  }

  connectorStatus(connector: string): ConnectorStatus {
    const status = this.#statuses.connector(connector)
    if (status === null) throw new NotFoundError(`No status found for connector ${connector}`)
    const type = this.typeOf(this.#configOf(connector) ?? {})
    return { name: connector, connector: status, tasks: this.#statuses.tasks(connector), type }
  }

  taskStatus(id: TaskId): TaskStatus {
    const status = this.#statuses.task(id)
    if (status === null) throw new NotFoundError(`No status found for task ${formatTaskId(id)}`)
    return { id: id.task, ...status }
  }

  activeTopics(connector: string): readonly string[] {
    return this.#statuses.topics(connector)
  }

  async connectorOffsets(connector: string, signal: AbortSignal): Promise<ConnectorOffsets> {
    const config = this.connectorConfig(connector)
    return this.typeOf(config) === 'sink'
      ? await this.#offsets.ofGroup(sinkGroupId(connector, config), signal)
      : await this.#offsets.ofSource(connector, signal)
  }

  plugins(): readonly PluginInfo[] {
    return this.#plugins.list().flatMap(({ className, kind, version }) => {
      if (kind === 'configprovider') return []
      return [{ className, kind, version: version === 'undefined' ? null : version }]
    })
  }

  typeOf(config: RawConfig): ConnectorType {
    return this.#connector(config)?.kind ?? 'unknown'
  }

  /** The class that a config names, aliases resolved; the text as it is when this worker has no such connector. */
  classNameOf(config: RawConfig): string {
    return this.#connector(config)?.className ?? config['connector.class'] ?? ''
  }

  /** The class of a configured connector. */
  classOf(connector: string): ConnectorClass {
    const config = this.#configOf(connector)
    if (config === null) return { names: [], isHere: true }
    const name = config['connector.class']?.trim() ?? ''
    const found = this.#connector(config)
    return { names: [...new Set([name, found?.className ?? name])], isHere: found !== null }
  }

  #configOf(connector: string): RawConfig | null {
    return this.#configState.config(connector) ?? this.#configState.unusable().get(connector)?.config ?? null
  }

  #connector(config: RawConfig): PluginDescriptor<'sink' | 'source'> | null {
    const name = config['connector.class']?.trim() ?? ''
    return this.#plugins.find('sink', name) ?? this.#plugins.find('source', name)
  }
}
