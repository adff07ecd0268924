import type { IsolationLevel } from '../../protocol/isolation-level.ts'
import { type TopicPartition, formatTopicPartition } from '../../foundation/topic-partition.ts'
import { abortable } from '../../foundation/async/abortable.ts'
import { deferred, type Deferred } from '../../foundation/async/deferred.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { asError, ClientClosedError, UnknownTopicError } from '../errors.ts'
import { type FetchedRecord } from './fetched-record.ts'
import { Fetcher } from './fetcher.ts'
import { listOffsets, offsetTimes } from './list-offsets.ts'

const pollMs = 60_000
const recordsPerPoll = 5_000

/** How to read a topic. */
export interface TopicReaderOptions {
  readonly topic: string
  /** Called for each record, in order within a partition. An error thrown here stops the reader. */
  readonly onRecord: (record: FetchedRecord) => void
  /** Called once if the reader fails. */
  readonly onError?: (error: unknown) => void
  readonly isolation?: IsolationLevel
}

interface Target {
  readonly ends: ReadonlyMap<string, number>
  readonly reached: Deferred<void>
}

/** Reads a topic from its beginning, without a group, until it is closed. For state that is kept in topics. */
export class TopicReader {
  readonly #cluster: Cluster
  readonly #options: TopicReaderOptions
  readonly #fetcher: Fetcher
  readonly #closing = new AbortController()
  #targets: Target[] = []
  #partitions: TopicPartition[] = []
  #running: Promise<void> | null = null
  #failure: Error | null = null

  constructor(cluster: Cluster, options: TopicReaderOptions) {
    this.#cluster = cluster
    this.#options = options
    this.#fetcher = new Fetcher(cluster, { isolation: options.isolation ?? 'read_committed' })
  }

  /**
   * Starts reading. Retries after ConnectionErrors until the signal fires.
   * @throws UnknownTopicError if the topic does not exist.
   */
  async start(signal?: AbortSignal): Promise<void> {
    const { topic } = this.#options
    await this.#cluster.retrying(`look up topic ${topic}`, { signal }, () =>
      this.#cluster.refreshMetadata([topic], { signal }),
    )
    const known = this.#cluster.metadata.topics.get(topic)
    if (known === undefined) throw new UnknownTopicError(topic)
    this.#partitions = known.partitions.map(({ partition }) => ({ topic, partition }))
    for (const partition of this.#partitions) this.#fetcher.start(partition, 'earliest')
    this.#running = this.#run()
  }

  /** The number of partitions of the topic. */
  get partitionCount(): number {
    return this.#partitions.length
  }

  /**
   * Resolves when all records were read that were in the topic at the time of the call.
   * @throws the error of the reader, ClientClosedError, or the signal's reason.
   */
  async readToEnd(signal?: AbortSignal): Promise<void> {
    const isolation = this.#options.isolation ?? 'read_committed'
    const queries = this.#partitions.map((partition) => ({ ...partition, timestamp: offsetTimes.latest }))
    const results = await this.#cluster.retrying(`find the end of topic ${this.#options.topic}`, { signal }, () =>
      listOffsets(this.#cluster, queries, { isolation, signal }),
    )
    const ends = new Map(results.map((result) => [formatTopicPartition(result), result.offset]))
    const target = { ends, reached: deferred<void>() }
    if (this.#failure !== null) throw this.#failure
    this.#closing.signal.throwIfAborted()
    this.#targets.push(target)
    this.#fetcher.wake()
    try {
      await abortable(target.reached.promise, signal)
    } finally {
      this.#targets = this.#targets.filter((other) => other !== target)
    }
  }

  /** Stops reading. Calls of `readToEnd` fail with a ClientClosedError. */
  async close(): Promise<void> {
    this.#closing.abort(new ClientClosedError(`the reader of topic ${this.#options.topic} was closed`))
    this.#fetcher.close()
    await this.#running
    this.#reject(this.#closing.signal.reason)
  }

  async #run(): Promise<void> {
    try {
      while (!this.#closing.signal.aborted) {
        this.#checkTargets()
        const records = await this.#fetcher.poll(pollMs, recordsPerPoll)
        for (const record of records) this.#options.onRecord(record)
      }
    } catch (error) {
      this.#failure = asError(error)
      this.#reject(error)
      this.#options.onError?.(error)
    }
  }

  #checkTargets(): void {
    const reached = this.#targets.filter(({ ends }) =>
      this.#partitions.every(
        (partition) => (this.#fetcher.position(partition) ?? -1) >= (ends.get(formatTopicPartition(partition)) ?? 0),
      ),
    )
    for (const target of reached) target.reached.resolve()
    if (reached.length > 0) this.#targets = this.#targets.filter((target) => !reached.includes(target))
  }

  #reject(error: unknown): void {
    for (const target of this.#targets) target.reached.reject(error)
    this.#targets = []
  }
}
