import {
  ConfigError,
  RetriableError,
  systemClock,
  type Connector,
  type ConnectorContext,
  type ConnectorPlugin,
  type ParsedConfig,
  type RawConfig,
  type SourceRecord,
  type SourceTask,
  type SourceTaskContext,
} from 'penstock/api'

function leak(secret: string, logger: ConnectorContext['logger']): void {
  logger.info(`it is ${secret}`, { secret, deep: [{ secret }], error: new TypeError(`of ${secret}`) })
  logger.trace(JSON.stringify({ secret }))
}

function print(secret: string): void {
  process.stdout.write(`out ${secret}\n`)
  process.stderr.write(Buffer.from(`err ${secret}\n`))
}

/**
 * Gives away its `password`. `leak` says where the connector does: `throw`, `raise`, `crash`, `log`, `print`, or `hidden` in a
 * task config; `leak.check` is the key under which its validation does; `task.leak` where the task does: `start`, `crash`, `poll` or `retry`.
 */
class LeakyConnector implements Connector {
  #raw: RawConfig = {}

  async start(_config: ParsedConfig, raw: RawConfig, context: ConnectorContext): Promise<void> {
    this.#raw = raw
    const { password = '', leak: where } = raw
    const error = new TypeError(`no ${password}`, { cause: new TypeError(`by ${password}`) })
    if (where === 'log') leak(password, context.logger)
    if (where === 'print') print(password)
    if (where === 'throw') throw error
    if (where === 'raise') setImmediate(() => context.raiseError(error))
    if (where === 'crash')
      setImmediate(() => {
        throw error
      })
  }

  async taskConfigs(): Promise<readonly RawConfig[]> {
    const { password = '', leak: where } = this.#raw
    const derived = where === 'hidden' ? { authorization: Buffer.from(`u:${password}`).toString('base64') } : {}
    return [{ ...this.#raw, 'task.secret': password, 'task.url': `pg://u:${password}@h`, ...derived }]
  }

  async stop(): Promise<void> {}
}

class LeakyTask implements SourceTask {
  #context: SourceTaskContext | null = null

  async start(context: SourceTaskContext): Promise<void> {
    this.#context = context
    const { password = '', 'task.leak': where, 'task.url': url } = context.raw
    if (url !== `pg://u:${password}@h` || context.raw['task.secret'] !== password)
      throw new ConfigError('the task config is not what the connector has generated')
    leak(password, context.logger)
    print(password)
    context.setCondition('LEAKY', `the secret is ${password}, cut: ${'x'.repeat(940)}${password}`)
    context.metrics.gauge('leaks', 'Leaks', { secret: password }).set(1)
    if (where === 'start') throw new ConfigError(`no ${password}`)
    if (where === 'crash')
      setImmediate(() => {
        throw new TypeError(`no ${password}`)
      })
  }

  async poll(signal: AbortSignal): Promise<readonly SourceRecord[] | null> {
    const { password = '', 'task.leak': where } = this.#context?.raw ?? {}
    if (where === 'poll') throw new TypeError(`no ${password}`, { cause: new TypeError(`by ${password}`) })
    if (where === 'retry') throw new RetriableError(`again ${password}`, { code: 'LEAKY_RETRY' })
    await systemClock.sleep(60_000, signal).catch(() => undefined)
    return null
  }

  async commit(): Promise<void> {}

  async stop(): Promise<void> {}
}

export const plugin: ConnectorPlugin = {
  kind: 'source',
  className: 'test.LeakyConnector',
  aliases: [],
  version: '1',
  configDef: { password: { type: 'PASSWORD', importance: 'HIGH', doc: 'A secret.' } },
  check: async ({ password }, { 'leak.check': key }) =>
    key === undefined ? [] : [{ key, message: `not ${String(password)}` }],
  alterSourceOffsets: async (config) => {
    throw new ConfigError(`not with ${config['password']}`)
  },
  createConnector: () => new LeakyConnector(),
  createTask: () => new LeakyTask(),
}
