import type { Connector, ParsedConfig, RawConfig } from 'penstock/api'

/** One task for each connector, whatever `tasks.max` says: a replication slot has only one reader. */
export class PostgresSourceConnector implements Connector {
  #raw: RawConfig = {}

  async start(_config: ParsedConfig, raw: RawConfig): Promise<void> {
    this.#raw = raw
  }

  async taskConfigs(): Promise<readonly RawConfig[]> {
    return [this.#raw]
  }

  async stop(): Promise<void> {
    this.#raw = {}
  }
}
