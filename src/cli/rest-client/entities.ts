/** The entities of Kafka Connect's REST API as they are on the wire, as openapi.yaml describes them. */
export interface ServerInfo {
  readonly version: string
  readonly commit: string
  readonly kafka_cluster_id: string | null
}

export interface WorkerHealth {
  readonly status: string
  readonly message: string
}

export type Config = Readonly<Record<string, string>>

export interface ConnectorInfo {
  readonly name: string
  readonly config: Config
  readonly tasks: readonly { readonly connector: string; readonly task: number }[]
  readonly type: string
}

export interface InstanceStatus {
  readonly state: string
  readonly worker_id: string
  readonly trace?: string
}

export interface TaskStatus extends InstanceStatus {
  readonly id: number
}

export interface ConnectorStatus {
  readonly name: string
  readonly connector: InstanceStatus
  readonly tasks: readonly TaskStatus[]
  readonly type: string
}

/** A connector as a list has it. Without a status, no worker has run it yet. */
export interface ListedConnector {
  readonly name: string
  readonly info: ConnectorInfo | null
  readonly status: ConnectorStatus | null
}

export interface TaskInfo {
  readonly id: { readonly connector: string; readonly task: number }
  readonly config: Config
}

export interface ConnectorOffset {
  readonly partition: Readonly<Record<string, unknown>>
  readonly offset: Readonly<Record<string, unknown>> | null
}

export interface PluginInfo {
  readonly class: string
  readonly type: string
  readonly version?: string
}

export interface ConfigKey {
  readonly name: string
  readonly type: string
  readonly required: boolean
  readonly default_value: string | null
  readonly importance: string
  readonly documentation: string | null
  readonly group: string | null
}

export interface ConfigValue {
  readonly name: string
  readonly value: string | null
  readonly errors: readonly string[]
  readonly recommended_values: readonly string[]
}

export interface ConfigInfos {
  readonly name: string
  readonly error_count: number
  readonly configs: readonly { readonly definition: ConfigKey | null; readonly value: ConfigValue | null }[]
}

export interface LoggerLevel {
  readonly level: string
  readonly last_modified: number | null
}
