import { Admin } from './admin.ts'
import { Cluster, type ClusterOptions } from './cluster/cluster.ts'
import { GroupConsumer } from './group/group-consumer.ts'
import type { GroupConsumerOptions } from './group/group-consumer-options.ts'
import { GroupMember } from './group/group-member.ts'
import type { GroupMemberOptions } from './group/group-member-options.ts'
import { Producer, type ProducerListener, type ProducerOptions } from './producer/producer.ts'
import { Fetcher, type FetchOptions } from './consumer/fetcher.ts'
import type { FetchedRecord } from './consumer/fetched-record.ts'
import { partitionRanges, readRanges, type PartitionRange, type ReadRangesOptions } from './consumer/topic-tail.ts'
import { TopicReader, type TopicReaderOptions } from './consumer/topic-reader.ts'

/**
 * A client of one cluster. Its producers, consumers and readers share metadata and control connections. Each has its own
 * connections for requests that wait or are large.
 */
export class KafkaClient {
  readonly admin: Admin
  readonly #cluster: Cluster

  private constructor(cluster: Cluster) {
    this.#cluster = cluster
    this.admin = new Admin(cluster)
  }

  /**
   * Connects, with retries until a broker responds.
   * @param options.signal ends the retries.
   * @param options.withinMs milliseconds after which the last error is thrown; by default it retries indefinitely.
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

  /** The id of the cluster; null if it has none. */
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

  /** Reads partitions without a group, from the offsets at which its owner starts them. Close it. */
  fetcher(options: FetchOptions): Fetcher {
    return new Fetcher(this.#cluster, options)
  }

  /** Returns the offset ranges of all partitions of these topics. Topics that do not exist are omitted. */
  async partitionRanges(topics: readonly string[], signal: AbortSignal): Promise<PartitionRange[]> {
    return await partitionRanges(this.#cluster, topics, signal)
  }

  /** Reads the records of these ranges, in order within each partition. */
  async readRanges(
    ranges: readonly PartitionRange[],
    onRecord: (record: FetchedRecord) => void,
    options: ReadRangesOptions,
  ): Promise<void> {
    await readRanges(this.#cluster, ranges, onRecord, options)
  }

  /** Creates a member of a group that assigns something else than partitions. */
  groupMember(options: GroupMemberOptions): GroupMember {
    return new GroupMember(this.#cluster, options)
  }

  /** Closes all connections. Close producers, consumers and readers first, because their calls in progress fail. */
  async close(): Promise<void> {
    this.#cluster.close()
  }
}
