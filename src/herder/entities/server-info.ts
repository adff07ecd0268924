/** The version of a worker, and its cluster. */
export interface ServerInfo {
  /** The version of Kafka Connect whose REST API is served. */
  readonly version: string
  readonly commit: string
  readonly kafkaClusterId: string | null
}
