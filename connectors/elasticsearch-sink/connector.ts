import type { Connector, ConnectorContext, ParsedConfig, RawConfig } from 'penstock/api'

/** Every task gets the connector's config: the consumer group distributes the partitions. */
export class ElasticsearchSinkConnector implements Connector {
  #raw: RawConfig = {}

  async start(_config: ParsedConfig, raw: RawConfig, _context: ConnectorContext): Promise<void> {
    this.#raw = raw
  }

  async taskConfigs(maxTasks: number): Promise<readonly RawConfig[]> {
    return Array.from({ length: maxTasks }, () => this.#raw)
  }

  async stop(): Promise<void> {
    this.#raw = {}
  }
}
