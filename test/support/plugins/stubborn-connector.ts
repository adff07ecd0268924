import type { Connector, ConnectorContext, ConnectorPlugin, ParsedConfig, RawConfig } from 'penstock/api'

/** Does what its config says at the worst moment: `on.start` is `throw`, `hang`, `spin`, `raise`, `watch` or `reconfigure`. */
class StubbornConnector implements Connector {
  #timer: NodeJS.Timeout | undefined

  async start(_config: ParsedConfig, raw: RawConfig, context: ConnectorContext): Promise<void> {
    const what = raw['on.start']
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
  }
}

export const plugin: ConnectorPlugin = {
  kind: 'source',
  className: 'test.StubbornConnector',
  aliases: [],
  version: '1',
  configDef: {},
  createConnector: () => new StubbornConnector(),
  createTask: () => {
    throw new TypeError('it makes no tasks')
  },
}
