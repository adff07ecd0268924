import type { Connector, ParsedConfig, RawConfig } from 'penstock/api'

/** Every task gets the connector's config: the consumer group assigns the partitions. */
export class S3SinkConnector implements Connector {
  #raw: RawConfig = {}

  async start(_config: ParsedConfig, raw: RawConfig): Promise<void> {
    this.#raw = raw
  }

  async taskConfigs(maxTasks: number): Promise<readonly RawConfig[]> {
    return Array.from({ length: maxTasks }, () => this.#raw)
  }

  async stop(): Promise<void> {
    this.#raw = {}
  }
}
