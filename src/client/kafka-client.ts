import { Admin } from './admin.ts'
import { Cluster, type ClusterOptions } from './cluster/cluster.ts'
import { GroupConsumer, type GroupConsumerOptions } from './group/group-consumer.ts'
import { GroupMember, type GroupMemberOptions } from './group/group-member.ts'
import { Producer, type ProducerListener, type ProducerOptions } from './producer/producer.ts'
import type { FetchedRecord } from './consumer/fetched-record.ts'
import { partitionRanges, readRanges, type PartitionRange } from './consumer/topic-tail.ts'
import { TopicReader, type TopicReaderOptions } from './consumer/topic-reader.ts'

/**
 * A client of one cluster. Producers, consumers and readers made by it share what it knows of brokers and topics; each has
 * connections of its own where waiting for others would hurt.
 */
export class KafkaClient {
  readonly admin: Admin
  readonly #cluster: Cluster

  private constructor(cluster: Cluster) {
    this.#cluster = cluster
    this.admin = new Admin(cluster)
  }

  /**
   * Connects, and tries again until a broker answers.
   * @param options.signal stops trying. @param options.withinMs after how long the last failure is thrown; for ever without.
   * @throws ConnectionError within `withinMs`, AuthenticationError, or the signal's reason.
   */
  static async connect(
    options: ClusterOptions & { readonly signal?: AbortSignal; readonly withinMs?: number },
  ): Promise<KafkaClient> {
    const cluster = new Cluster(options)
    try {
      await cluster.reach(options.signal, options.withinMs)
    } catch (error) {
      cluster.close()
      throw error
    }
    return new KafkaClient(cluster)
  }

  /** The cluster's id; null when the brokers have none. */
  get clusterId(): string | null {
    return this.#cluster.metadata.clusterId
  }

  producer(listener: ProducerListener, options: ProducerOptions = {}): Producer {
    return new Producer(this.#cluster, listener, options)
  }

  consumer(options: GroupConsumerOptions): GroupConsumer {
    return new GroupConsumer(this.#cluster, options)
  }

  topicReader(options: TopicReaderOptions): TopicReader {
    return new TopicReader(this.#cluster, options)
  }

  /** The offsets that the partitions of these topics hold; topics that do not exist are left out. */
  async partitionRanges(topics: readonly string[], signal: AbortSignal): Promise<PartitionRange[]> {
    return await partitionRanges(this.#cluster, topics, signal)
  }

  /** Reads the records of these ranges, in order within each partition. */
  async readRanges(
    ranges: readonly PartitionRange[],
    onRecord: (record: FetchedRecord) => void,
    signal: AbortSignal,
  ): Promise<void> {
    await readRanges(this.#cluster, ranges, onRecord, signal)
  }

  /** A bare member of a group, for groups that share something else than partitions. */
  groupMember(options: GroupMemberOptions): GroupMember {
    return new GroupMember(this.#cluster, options)
  }

  /** Ends all connections. Close producers, consumers and readers before: what they still wait for fails. */
  async close(): Promise<void> {
    this.#cluster.close()
  }
}
