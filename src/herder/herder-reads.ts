import { type TaskId, formatTaskId } from '../config/connector/task-id.ts'
import type { RawConfig } from '../api/config-def.ts'
import { NotFoundError } from '../api/errors.ts'
import { sinkGroupId } from '../config/connector/connector-problems.ts'
import type { PluginDescriptor } from '../plugin/plugin-descriptor.ts'
import type { PluginRegistry } from '../plugin/plugin-registry.ts'
import type { ConfigFold } from './config-fold.ts'
import type { ConnectorInfo } from './entities/connector-info.ts'
import type { ConnectorOffsets } from './entities/connector-offsets.ts'
import type { ConnectorStatus, InstanceStatus, TaskStatus } from './entities/connector-status.ts'
import type { ConnectorType } from './entities/connector-type.ts'
import type { PluginInfo } from './entities/plugin-info.ts'
import type { TaskInfo } from './entities/task-info.ts'

/** The states that all workers of the group have written. */
export interface KnownStatuses {
  connector(name: string): InstanceStatus | null
  task(id: TaskId): InstanceStatus | null
  /** By number. */
  tasks(connector: string): readonly TaskStatus[]
  topics(connector: string): readonly string[]
}

/** How far connectors are. */
export interface KnownOffsets {
  /** What a source has stored. */
  ofSource(connector: string, signal: AbortSignal): Promise<ConnectorOffsets>
  /** What a sink's consumer group has committed. */
  ofGroup(groupId: string, signal: AbortSignal): Promise<ConnectorOffsets>
}

/** What the REST API reads: answered from this worker's own view of the internal topics. */
export class HerderReads {
  readonly #fold: ConfigFold
  readonly #statuses: KnownStatuses
  readonly #offsets: KnownOffsets
  readonly #plugins: PluginRegistry

  constructor(fold: ConfigFold, statuses: KnownStatuses, offsets: KnownOffsets, plugins: PluginRegistry) {
    this.#fold = fold
    this.#statuses = statuses
    this.#offsets = offsets
    this.#plugins = plugins
  }

  /** Those that cannot run too, by the names that stand in for theirs. */
  connectors(): readonly string[] {
    return [...this.#fold.connectors(), ...this.#fold.unusable().keys()]
  }

  connectorInfo(connector: string): ConnectorInfo {
    const config = this.connectorConfig(connector)
    const tasks = this.#fold.tasks(connector).map((_, task) => ({ connector, task }))
    return { name: connector, config, tasks, type: this.typeOf(config) }
  }

  connectorConfig(connector: string): RawConfig {
    const config = this.#fold.config(connector) ?? this.#fold.unusable().get(connector)?.config ?? null
    if (config === null) throw new NotFoundError(`Connector ${connector} not found`)
    return config
  }

  taskInfos(connector: string): readonly TaskInfo[] {
    this.connectorConfig(connector)
    return this.#fold.tasks(connector).map((config, task) => ({ id: { connector, task }, config }))
  }

  connectorStatus(connector: string): ConnectorStatus {
    const status = this.#statuses.connector(connector)
    if (status === null) throw new NotFoundError(`No status found for connector ${connector}`)
    const type = this.typeOf(this.#fold.config(connector) ?? this.#fold.unusable().get(connector)?.config ?? {})
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

  /** The class that a config names, also by an alias; the text itself when this worker has no such connector. */
  classNameOf(config: RawConfig): string {
    return this.#connector(config)?.className ?? config['connector.class'] ?? ''
  }

  #connector(config: RawConfig): PluginDescriptor<'sink' | 'source'> | null {
    const name = config['connector.class']?.trim() ?? ''
    return this.#plugins.find('sink', name) ?? this.#plugins.find('source', name)
  }
}
