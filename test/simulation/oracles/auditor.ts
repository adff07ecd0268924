import { KafkaClient } from '../../../src/client/kafka-client.ts'
import type { TopicReader } from '../../../src/client/consumer/topic-reader.ts'
import { configEntry, foldConfigs, type ConfigEntry, type ConfigFold } from '../../support/config/config-fold.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { configTopic } from '../cluster/simulated-worker.ts'
import { dataTopic } from '../cluster/task-run.ts'
import { Actor } from '../world/actor.ts'

const signal = new AbortController().signal

/** Reads the topics as any other client: what it reads is what the workers should know. */
export class Auditor {
  readonly #client: KafkaClient
  readonly #entries: ConfigEntry[]
  readonly #reader: TopicReader

  private constructor(client: KafkaClient, entries: ConfigEntry[], reader: TopicReader) {
    this.#client = client
    this.#entries = entries
    this.#reader = reader
  }

  static async connect({ simulation, broker }: Cluster): Promise<Auditor> {
    const actor = new Actor(simulation.timeline, 'auditor', 'auditor')
    const client = await KafkaClient.connect({
      bootstrapServers: broker.bootstrapServers,
      clientId: actor.name,
      clock: actor.clock,
      logger: simulation.logger.child(actor.name),
      dial: simulation.network.dialOf(actor),
    })
    const entries: ConfigEntry[] = []
    const reader = client.topicReader({
      topic: configTopic,
      onRecord: ({ offset, key, value }) =>
        entries.push(configEntry({ offset, key: key?.toString() ?? null, value: value?.toString() ?? null })),
    })
    await client.admin.createTopic({ name: dataTopic, partitions: 1, replicationFactor: 1, configs: {} }, { signal })
    await reader.start(signal)
    return new Auditor(client, entries, reader)
  }

  /** The records of the config topic. */
  async configs(): Promise<readonly ConfigEntry[]> {
    await this.#reader.readToEnd(signal)
    return this.#entries
  }

  /** What the config topic says now. */
  async fold(): Promise<ConfigFold> {
    return foldConfigs(await this.configs())
  }

  /** The records that tasks have written. */
  async records(): Promise<readonly string[]> {
    const values: string[] = []
    const ranges = await this.#client.partitionRanges([dataTopic], signal)
    await this.#client.readRanges(ranges, ({ value }) => values.push(value?.toString() ?? ''), { signal })
    return values
  }
}
