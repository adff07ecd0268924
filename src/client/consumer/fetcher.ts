import type { IsolationLevel } from '../../protocol/isolation-level.ts'
import { type TopicPartition, formatTopicPartition } from '../../foundation/topic-partition.ts'
import { deferred, type Deferred } from '../../foundation/async/deferred.ts'
import { AssignedPartitions, type StartOffset } from './assigned-partitions.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { asError, KafkaError } from '../errors.ts'
import { FetchSender } from './fetch-sender.ts'
import type { FetchedRecord } from './fetched-record.ts'
import type { ResetPolicy } from './out-of-range.ts'
import type { PositionReset } from './position-reset.ts'
import type { TroubleWatch } from '../log-trouble.ts'

/** How to fetch. The names of Kafka's settings are in brackets. */
export interface FetchOptions {
  /** `isolation.level`. */
  readonly isolation?: IsolationLevel
  /** How long a broker may wait for data (`fetch.max.wait.ms`). */
  readonly maxWaitMs?: number
  /** `fetch.min.bytes`. */
  readonly minBytes?: number
  /** Bytes of one response, and of the buffers above which fetching stops (`fetch.max.bytes`). */
  readonly maxBytes?: number
  /** Bytes of one partition in a response (`max.partition.fetch.bytes`). A larger batch is returned alone. */
  readonly maxPartitionBytes?: number
}

/** What a fetcher needs beyond {@link FetchOptions}. */
export interface FetcherOptions extends FetchOptions {
  /**
   * Where to continue when an offset is out of range; by default that is an error. A topic that was created again is always an
   * error, which says whether the owner follows it.
   */
  readonly resetTo?: ResetPolicy | null
}

/**
 * Reads partitions ahead of its caller, within bounds: while the caller processes the records of the last `poll`, the next
 * fetches are in flight. Lost connections and leader changes are retried. A corrupt batch is thrown by every `poll` until the
 * partition is removed or its position set; so is an offset out of range, unless a policy says where to continue.
 */
export class Fetcher {
  readonly #cluster: Cluster
  readonly #closing = new AbortController()
  readonly #partitions: AssignedPartitions
  readonly #sender: FetchSender
  readonly #resetTo: ResetPolicy | null
  readonly #trouble: TroubleWatch | null
  #arrival: Deferred<void> | null = null
  #failure: Error | null = null
  #isWoken = false

  /** @param trouble learns which partitions cannot be read, and when they can be read again. */
  constructor(cluster: Cluster, options: FetcherOptions = {}, trouble: TroubleWatch | null = null) {
    this.#cluster = cluster
    this.#trouble = trouble
    this.#resetTo = options.resetTo ?? null
    const limits = {
      isolation: options.isolation ?? 'read_committed',
      maxWaitMs: options.maxWaitMs ?? 500,
      minBytes: options.minBytes ?? 1,
      maxBytes: options.maxBytes ?? 8 * 1024 * 1024,
      maxPartitionBytes: options.maxPartitionBytes ?? 1024 * 1024,
    }
    const { signal } = this.#closing
    this.#partitions = new AssignedPartitions(cluster, {
      isolation: limits.isolation,
      signal,
      onResolved: () => {
        this.#arrived()
        this.#sender.send()
      },
    })
    this.#sender = new FetchSender(cluster, {
      limits,
      partitions: this.#partitions,
      resetTo: this.#resetTo,
      signal,
      trouble,
      onArrival: () => this.#arrived(),
      onFailure: (error) => {
        this.#failure = error
        this.#arrived()
      },
    })
  }

  /** Adds a partition, or sets the position of one that is being read. */
  start(partition: TopicPartition, from: StartOffset): void {
    this.#partitions.start(partition, from)
    this.#sender.send()
  }

  /** Stops reading a partition and drops its buffer. */
  remove(partition: TopicPartition): void {
    this.#trouble?.over(formatTopicPartition(partition))
    this.#partitions.remove(partition)
  }

  /** Withholds a partition's records until `resume`. */
  pause(partition: TopicPartition): void {
    const state = this.#partitions.get(partition)
    if (state === undefined) return
    state.isPaused = true
    this.#trouble?.over(state.key)
  }

  /** Undoes `pause`. */
  resume(partition: TopicPartition): void {
    const state = this.#partitions.get(partition)
    if (state === undefined || !state.isPaused) return
    state.isPaused = false
    this.#arrived()
    this.#sender.send()
  }

  /** The partitions that are read. */
  partitions(): TopicPartition[] {
    return [...this.#partitions].map(({ buffer: { topic, partition } }) => ({ topic, partition }))
  }

  /** The offset after the last record (or gap) that `poll` returned; null if it is not known, or the partition not read. */
  position(partition: TopicPartition): number | null {
    const state = this.#partitions.get(partition)
    return state?.isResolved === true ? state.buffer.position : null
  }

  /** The high watermark in the last response; null before the first one. */
  highWatermark(partition: TopicPartition): number | null {
    const value = this.#partitions.get(partition)?.highWatermark ?? -1
    return value < 0 ? null : value
  }

  /** The id of the topic that is read; null if the cluster has no topic ids, or the topic is not read. */
  topicId(topic: string): string | null {
    for (const state of this.#partitions) if (state.buffer.topic === topic) return state.topicId
    return null
  }

  /**
   * Applies the policy to partitions whose next offset is out of range, and returns their new positions. Paused ones wait for
   * `resume`, and records that were fetched before are returned by `poll` first. `poll` returns early for a reset that is due.
   */
  resetPositions(): PositionReset[] {
    const policy = this.#resetTo
    if (policy === null) return []
    const resets: PositionReset[] = []
    for (const { outOfRange, isPaused, buffer } of this.#partitions) {
      if (outOfRange === null || isPaused || buffer.bytes > 0) continue
      const { topic, partition, position: from } = buffer
      const { logStartOffset, to } = outOfRange
      const reason = from < logStartOffset ? 'removed' : 'truncated'
      resets.push({ topic, partition, reason, policy, from, to, logStartOffset })
    }
    for (const reset of resets) this.#partitions.start(reset, reset.to ?? 0)
    if (resets.length > 0) this.#sender.send()
    return resets
  }

  /** Resolves when every partition has a position. @throws the signal's reason, or the errors of `poll`. */
  async resolved(signal?: AbortSignal): Promise<void> {
    await this.#partitions.resolved(signal)
  }

  /**
   * Returns up to `maxRecords` records, in order within each partition; waits for the first at most `maxWaitMs`. Empty when
   * none came, when positions passed over records that are not delivered, or after {@link wake}.
   * @throws OffsetOutOfRangeError, TopicRecreatedError, CorruptBatchError, BrokerError, or the signal's reason.
   */
  async poll(maxWaitMs: number, maxRecords: number, signal?: AbortSignal): Promise<FetchedRecord[]> {
    signal?.throwIfAborted()
    let records = this.#take(maxRecords)
    if (records === null && maxWaitMs > 0 && !this.#isWoken) {
      await this.#waitForArrival(maxWaitMs, signal)
      records = this.#take(maxRecords)
    }
    this.#isWoken = false
    return records ?? []
  }

  /** Ends the `poll` that is waiting, or else the next one that would wait. */
  wake(): void {
    if (this.#arrival === null) this.#isWoken = true
    else this.#arrived()
  }

  /** Stops fetching. A waiting `poll` returns no records. */
  close(): void {
    this.#closing.abort(new KafkaError('the consumer is closed'))
    this.#trouble?.close()
    this.#sender.close()
    this.#partitions.clear()
    this.#arrived()
  }

  /** Returns null if no position moved. An error is thrown only after the records before it were returned. */
  #take(maxRecords: number): FetchedRecord[] | null {
    const records: FetchedRecord[] = []
    let moved = false
    let failure = this.#failure
    for (const state of this.#partitions) {
      if (records.length >= maxRecords) break
      if (state.isPaused) continue
      const before = state.buffer.position
      try {
        state.buffer.read(records, maxRecords - records.length)
      } catch (error) {
        state.error ??= asError(error)
      }
      moved ||= state.buffer.position !== before
      failure ??= state.error
    }
    if (moved) this.#sender.send()
    else if (failure !== null) throw failure
    return moved ? records : null
  }

  async #waitForArrival(maxWaitMs: number, signal: AbortSignal | undefined): Promise<void> {
    this.#arrival ??= deferred<void>()
    const arrival = this.#arrival
    const cancel = this.#cluster.clock.after(maxWaitMs, () => arrival.resolve())
    const onAbort = (): void => arrival.reject(signal?.reason)
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      this.#sender.send()
      await arrival.promise
    } finally {
      cancel()
      signal?.removeEventListener('abort', onAbort)
      if (this.#arrival === arrival) this.#arrival = null
    }
  }

  #arrived(): void {
    this.#arrival?.resolve()
    this.#arrival = null
  }
}
