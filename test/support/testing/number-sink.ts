import {
  ConnectError,
  nonEmptyString,
  RetriableError,
  type Connector,
  type ConnectorPlugin,
  type DurableOffset,
  type OffsetToCommit,
  type RawConfig,
  type SinkRecord,
  type SinkTask,
  type SinkTaskContext,
  type TopicPartition,
} from 'penstock/api'
import type { SinkFixture } from 'penstock/testing'

/** A target that keeps records by name. */
export class NumberTarget {
  readonly durable = new Map<string, string>()
  isAway = false
}

const targets = new Map<string, NumberTarget>()
let made = 0

const nameOf = ({ topic, partition }: TopicPartition): string => `${topic}-${partition}`
/** The partition from which a record was read. */
const originOf = ({ originalTopic, originalPartition }: SinkRecord): string => `${originalTopic}-${originalPartition}`
export const idOf = ({ originalTopic, originalPartition, originalOffset }: SinkRecord): string =>
  `${originalTopic}-${originalPartition}@${originalOffset}`

/** A sink task that holds its contract: it keeps records in memory until `flush` writes them. Tests break one method of it. */
export class CollectingTask implements SinkTask {
  context: SinkTaskContext | null = null
  /** What is not written yet, and the offsets up to which all is. */
  pending: SinkRecord[] = []
  readonly written = new Map<string, number>()

  get target(): NumberTarget {
    const name = String(this.context?.config['target'])
    const target = targets.get(name)
    if (target === undefined) throw new ConnectError(`there is no target ${name}`, { code: 'NO_TARGET' })
    return target
  }

  async start(context: SinkTaskContext): Promise<void> {
    this.context = context
    this.target.durable.delete('')
  }

  async open(partitions: readonly OffsetToCommit[]): Promise<void> {
    for (const at of partitions) this.written.set(nameOf(at), at.offset)
  }

  async put(records: readonly SinkRecord[]): Promise<void> {
    if (this.target.isAway) throw new RetriableError('the target is away', { code: 'TARGET_AWAY' })
    this.pending.push(...records)
  }

  async preCommit(_current: readonly OffsetToCommit[]): Promise<readonly DurableOffset[]> {
    return [...this.written].map(([name, offset]) => {
      const at = name.lastIndexOf('-')
      return { topic: name.slice(0, at), partition: Number(name.slice(at + 1)), offset }
    })
  }

  async close(partitions: readonly TopicPartition[]): Promise<void> {
    const names = partitions.map(nameOf)
    this.pending = this.pending.filter((record) => !names.includes(this.partitionOf(record)))
    for (const name of names) this.written.delete(name)
  }

  async flush(): Promise<void> {
    for (const record of this.pending.splice(0)) {
      this.write(record)
      this.written.set(this.partitionOf(record), record.offset + 1)
    }
  }

  partitionOf(record: SinkRecord): string {
    return originOf(record)
  }

  write(record: SinkRecord): void {
    this.target.durable.set(idOf(record), String(record.value))
  }

  async stop(): Promise<void> {}
}

class SinkConnector implements Connector {
  #raw: RawConfig = {}

  async start(_config: unknown, raw: RawConfig): Promise<void> {
    this.#raw = raw
  }

  async taskConfigs(maxTasks: number): Promise<readonly RawConfig[]> {
    return Array.from({ length: maxTasks }, () => this.#raw)
  }

  async stop(): Promise<void> {}
}

/** The plugin of that task. */
export function collectingPlugin(Task: new () => SinkTask = CollectingTask): ConnectorPlugin {
  return {
    kind: 'sink',
    className: 'com.acme.CollectingSink',
    aliases: [],
    version: '1.0.0',
    configDef: { target: { type: 'STRING', importance: 'HIGH', doc: 'The target.', validator: nonEmptyString } },
    createConnector: () => new SinkConnector(),
    createTask: () => new Task(),
  }
}

/** A target of its own for each case. */
export function prepareTarget(): SinkFixture & { readonly target: NumberTarget } {
  made += 1
  const name = `target ${made}`
  const target = new NumberTarget()
  targets.set(name, target)
  return {
    target,
    config: { target: name },
    record: (number) => ({ key: `k${number}`, value: number }),
    identify: idOf,
    delivered: () => [...target.durable.keys()],
    close: async () => void targets.delete(name),
  }
}
