import { existsSync } from 'node:fs'

import {
  systemClock,
  type Connector,
  type ConnectorPlugin,
  type ParsedConfig,
  type RawConfig,
  type SourceRecord,
  type SourceTask,
  type SourceTaskContext,
} from 'penstock/api'

/** What a library throws when its server is away: an error that says nothing of retries. */
function away(): Error {
  return Object.assign(new TypeError('the server is away'), { code: 'ECONNRESET' })
}

/** Has as many tasks as it may. They fail while the file `away` exists, and have no records. */
class FlakyConnector implements Connector {
  #raw: RawConfig = {}

  async start(_config: ParsedConfig, raw: RawConfig): Promise<void> {
    this.#raw = raw
  }

  async taskConfigs(maxTasks: number): Promise<readonly RawConfig[]> {
    return Array.from({ length: maxTasks }, () => this.#raw)
  }

  async stop(): Promise<void> {}
}

class FlakyTask implements SourceTask {
  #file = ''

  async start({ raw }: SourceTaskContext): Promise<void> {
    this.#file = raw['away'] ?? ''
  }

  async poll(signal: AbortSignal): Promise<readonly SourceRecord[] | null> {
    if (existsSync(this.#file)) throw away()
    await systemClock.sleep(20, signal).catch(() => undefined)
    return null
  }

  async commit(): Promise<void> {}

  async stop(): Promise<void> {}
}

export const plugin: ConnectorPlugin = {
  kind: 'source',
  className: 'test.FlakyConnector',
  aliases: [],
  version: '1',
  configDef: { away: { type: 'STRING', importance: 'HIGH', doc: 'A file.' } },
  createConnector: () => new FlakyConnector(),
  createTask: () => new FlakyTask(),
}
