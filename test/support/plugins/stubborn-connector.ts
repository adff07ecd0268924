import { appendFileSync, existsSync } from 'node:fs'

import {
  systemClock,
  type Connector,
  type ConnectorContext,
  type ConnectorPlugin,
  type ParsedConfig,
  type RawConfig,
} from 'penstock/api'

/**
 * Does what its config says at the worst moment: `on.start` is `throw`, `hang`, `spin`, `raise`, `watch`, `reconfigure`, or
 * `slow` (returns once the file `release` is there); `on.check` may be `spin`. A `slow` one notes its life in `journal`.
 */
class StubbornConnector implements Connector {
  #timer: NodeJS.Timeout | undefined
  #raw: RawConfig = {}

  async start(_config: ParsedConfig, raw: RawConfig, context: ConnectorContext): Promise<void> {
    const what = raw['on.start']
    this.#raw = raw
    if (what === 'slow') while (!existsSync(raw['release'] ?? '')) await systemClock.sleep(5)
    this.#note('started')
    if (what === 'throw') throw new TypeError('it does not start')
    if (what === 'hang') await new Promise(() => undefined)
    if (what === 'spin') for (;;) Math.random()
    if (what === 'raise') setImmediate(() => context.raiseError(new TypeError('it broke later')))
    if (what === 'watch') this.#timer = setInterval(() => undefined, 1000)
    if (what === 'reconfigure') setImmediate(() => context.requestTaskReconfiguration())
  }

  async taskConfigs(maxTasks: number): Promise<readonly RawConfig[]> {
    return Array.from({ length: maxTasks + 1 }, () => ({}))
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    this.#note('stopped')
  }

  #note(what: string): void {
    if (this.#raw['journal'] !== undefined) appendFileSync(this.#raw['journal'], `${what}\n`)
  }
}

export const plugin: ConnectorPlugin = {
  kind: 'source',
  className: 'test.StubbornConnector',
  aliases: [],
  version: '1',
  configDef: {},
  check: async (_config, raw) => {
    if (raw['on.check'] === 'spin') for (;;) Math.random()
    return []
  },
  createConnector: () => new StubbornConnector(),
  createTask: () => {
    throw new TypeError('it makes no tasks')
  },
}
