import {
  atLeast,
  ConnectError,
  nonEmptyString,
  primitive,
  RetriableError,
  type ConfigDef,
  type Connector,
  type ConnectorPlugin,
  type RawConfig,
  type SourceOffset,
  type SourceRecord,
  type SourceTask,
  type SourceTaskContext,
} from 'penstock/api'
import type { SourceFixture } from 'penstock/testing'

const schema = primitive('INT64')

/** A system that has numbers. */
export class NumberSystem {
  readonly numbers: number[] = []
  isAway = false
  #arrival = Promise.withResolvers<void>()

  add(count: number): string[] {
    const from = this.numbers.length + 1
    const added = Array.from({ length: count }, (_, i) => from + i)
    this.numbers.push(...added)
    this.#arrival.resolve()
    this.#arrival = Promise.withResolvers<void>()
    return added.map(String)
  }

  /** Resolves when there are more numbers, or the signal fires. */
  async arrival(signal: AbortSignal): Promise<void> {
    const aborted = Promise.withResolvers<void>()
    signal.addEventListener('abort', () => aborted.resolve(), { once: true })
    if (!signal.aborted) await Promise.race([this.#arrival.promise, aborted.promise])
  }
}

/** Systems by the config of a connector. */
const systems = new Map<string, NumberSystem>()
let made = 0

export const numberDef: ConfigDef = {
  system: { type: 'STRING', importance: 'HIGH', doc: 'The system.', validator: nonEmptyString },
  'batch.size': { type: 'INT', defaultValue: 2, importance: 'LOW', doc: 'Records of a poll.', validator: atLeast(1) },
}

/** A source task that holds its contract. Tests break one method of it. */
export class NumberTask implements SourceTask {
  context: SourceTaskContext | null = null
  next = 0

  get system(): NumberSystem {
    const name = String(this.context?.config['system'])
    const system = systems.get(name)
    if (system === undefined) throw new ConnectError(`there is no system ${name}`, { code: 'NO_SYSTEM' })
    return system
  }

  async start(context: SourceTaskContext): Promise<void> {
    this.context = context
    if (context.raw['task.part'] !== 'all') throw new ConnectError('the task has no part of the system')
    const [stored] = await context.readOffsets([{ system: String(context.config['system']) }])
    this.next = this.startOf(stored ?? null)
    if (this.system.isAway) throw this.away()
  }

  startOf(stored: SourceOffset | null): number {
    return Number(stored?.['position'] ?? 0)
  }

  async poll(signal: AbortSignal): Promise<readonly SourceRecord[] | null> {
    while (this.next === this.system.numbers.length && !signal.aborted && !this.system.isAway)
      await this.system.arrival(signal)
    if (this.system.isAway) throw this.away()
    return signal.aborted ? null : this.take()
  }

  take(): SourceRecord[] {
    const { config } = this.context ?? {}
    const numbers = this.system.numbers.slice(this.next, this.next + Number(config?.['batch.size']))
    return numbers.map((number) => {
      this.next += 1
      return this.record(number, this.next)
    })
  }

  record(number: number, position: number): SourceRecord {
    return {
      topic: 'numbers',
      partition: null,
      keySchema: null,
      key: null,
      valueSchema: schema,
      value: number,
      timestamp: null,
      headers: [],
      sourcePartition: { system: String(this.context?.config['system']) },
      sourceOffset: { position },
    }
  }

  away(): Error {
    return new RetriableError('the system is away', { code: 'SYSTEM_AWAY' })
  }

  async commit(): Promise<void> {}
  async stop(): Promise<void> {}
}

class NumberConnector implements Connector {
  #raw: RawConfig = {}

  async start(_config: unknown, raw: RawConfig): Promise<void> {
    this.#raw = raw
  }

  async taskConfigs(_maxTasks: number): Promise<readonly RawConfig[]> {
    return [{ ...this.#raw, 'task.part': 'all' }]
  }

  async stop(): Promise<void> {}
}

/** The plugin of that task. */
export function numberPlugin(
  Task: new () => SourceTask = NumberTask,
  parts: Partial<ConnectorPlugin> = {},
): ConnectorPlugin {
  return {
    kind: 'source',
    className: 'com.acme.NumberSource',
    aliases: [],
    version: '1.0.0',
    configDef: numberDef,
    createConnector: () => new NumberConnector(),
    createTask: () => new Task(),
    ...parts,
  }
}

/** A system of its own for each case. */
export function prepareNumbers(): SourceFixture & { readonly system: NumberSystem } {
  made += 1
  const name = `system ${made}`
  const system = new NumberSystem()
  systems.set(name, system)
  return {
    system,
    config: { system: name },
    add: (count) => system.add(count),
    identify: ({ value }) => String(value),
    close: async () => void systems.delete(name),
  }
}
