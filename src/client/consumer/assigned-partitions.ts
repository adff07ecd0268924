import type { IsolationLevel } from '../../protocol/isolation-level.ts'
import { type TopicPartition, formatTopicPartition } from '../../foundation/topic-partition.ts'
import { abortable } from '../../foundation/async/abortable.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { asError } from '../errors.ts'
import { listOffsets, offsetTimes } from './list-offsets.ts'
import type { OutOfRange } from './out-of-range.ts'
import { PartitionBuffer } from './partition-buffer.ts'

/** Where to start: an offset, or an end of the log at the time of the first fetch. */
export type StartOffset = number | 'earliest' | 'latest'

/** A partition that is being read. */
export interface AssignedPartition {
  readonly key: string
  readonly buffer: PartitionBuffer
  /** The id of the topic; null while it is unknown, or if the cluster has no topic ids. */
  topicId: string | null
  /** Whether a broker reported that id as unknown: the topic may have been created again. */
  isDoubted: boolean
  /** The end of the log to start at; null for an offset, or after the first successful fetch. */
  start: 'earliest' | 'latest' | null
  /** Whether `buffer.position` is an offset. */
  isResolved: boolean
  isPaused: boolean
  isFetching: boolean
  /** Incremented when the position is set, so that responses to earlier fetches are discarded. */
  epoch: number
  failures: number
  /** Monotonic milliseconds before which it is not fetched. */
  retryAt: number
  highWatermark: number
  /** The next offset to fetch is outside the log, and is to be reset once the buffered records are read. Null otherwise. */
  outOfRange: OutOfRange | null
  /** Why it cannot be read any further. Every poll throws it. */
  error: Error | null
}

export interface AssignedPartitionsOptions {
  readonly isolation: IsolationLevel
  /** Stops all lookups. */
  readonly signal: AbortSignal
  /** The start offsets of a topic's partitions have become known, or cannot be found. */
  readonly onResolved: () => void
}

/** The partitions of one fetcher and their start offsets, in the order in which they are fetched. */
export class AssignedPartitions {
  readonly #cluster: Cluster
  readonly #options: AssignedPartitionsOptions
  readonly #partitions = new Map<string, AssignedPartition>()
  /** Topics whose start offsets are being asked for. */
  readonly #resolving = new Map<string, Promise<void>>()

  constructor(cluster: Cluster, options: AssignedPartitionsOptions) {
    this.#cluster = cluster
    this.#options = options
  }

  [Symbol.iterator](): IterableIterator<AssignedPartition> {
    return this.#partitions.values()
  }

  get(partition: TopicPartition): AssignedPartition | undefined {
    return this.#partitions.get(formatTopicPartition(partition))
  }

  /** Returns whether the partition is still assigned, and its position was not set since `epoch`. */
  isCurrent(partition: AssignedPartition, epoch: number): boolean {
    return partition.epoch === epoch && this.#partitions.get(partition.key) === partition
  }

  /** Adds a partition, or sets the position of one that is being read. */
  start(target: TopicPartition, from: StartOffset): void {
    const key = formatTopicPartition(target)
    const offset = typeof from === 'number' ? from : -1
    const start = typeof from === 'number' ? null : from
    const isResolved = typeof from === 'number'
    const fresh = { start, isResolved, outOfRange: null, error: null, failures: 0, retryAt: 0 }
    const known = this.#partitions.get(key)
    if (known !== undefined) {
      known.buffer.reset(offset)
      Object.assign(known, { epoch: known.epoch + 1, ...fresh })
      return
    }
    this.#partitions.set(key, {
      key,
      buffer: new PartitionBuffer(target.topic, target.partition, offset),
      topicId: this.#cluster.metadata.topics.get(target.topic)?.id ?? null,
      isDoubted: false,
      isPaused: false,
      isFetching: false,
      epoch: 0,
      highWatermark: -1,
      ...fresh,
    })
  }

  remove(target: TopicPartition): void {
    this.#partitions.delete(formatTopicPartition(target))
  }

  clear(): void {
    this.#partitions.clear()
  }

  /** Moves a partition behind the others. */
  moveToEnd(partition: AssignedPartition): void {
    if (!this.#partitions.delete(partition.key)) return
    this.#partitions.set(partition.key, partition)
  }

  /** Drops buffers of paused partitions beyond a total of `maxBytes` (I10). They are fetched again after `resume`. */
  dropPaused(maxBytes: number): void {
    let kept = 0
    for (const state of this.#partitions.values()) {
      if (!state.isPaused || state.buffer.bytes === 0) continue
      if (kept + state.buffer.bytes <= maxBytes) kept += state.buffer.bytes
      else {
        state.buffer.reset(state.buffer.position)
        state.outOfRange = null
        state.epoch += 1
      }
    }
  }

  /** Resolves when every partition has a position. @throws the signal's reason, or the error of a partition. */
  async resolved(signal?: AbortSignal): Promise<void> {
    while (!this.#options.signal.aborted) {
      signal?.throwIfAborted()
      const open = [...this].filter((partition) => !partition.isResolved)
      for (const { error } of open) if (error !== null) throw error
      if (open.length === 0) return
      for (const { buffer } of open) this.resolve(buffer.topic)
      await abortable(Promise.race(this.#resolving.values()), signal)
    }
  }

  /** Looks up the start offsets of a topic's partitions that have none. */
  resolve(topic: string): void {
    if (this.#resolving.has(topic)) return
    const resolving = this.#ask(topic).finally(() => {
      this.#resolving.delete(topic)
      this.#options.onResolved()
    })
    this.#resolving.set(topic, resolving)
  }

  async #ask(topic: string): Promise<void> {
    const asked = [...this]
      .filter((partition) => partition.buffer.topic === topic && !partition.isResolved)
      .map((partition) => ({ partition, epoch: partition.epoch }))
    const queries = asked.map(({ partition: { buffer, start } }) => ({
      topic,
      partition: buffer.partition,
      timestamp: start === 'latest' ? offsetTimes.latest : offsetTimes.earliest,
    }))
    const { isolation, signal } = this.#options
    const options = { isolation, signal }
    try {
      const results = await this.#cluster.retrying(`find where topic ${topic} begins`, options, () =>
        listOffsets(this.#cluster, queries, options),
      )
      for (const { partition, epoch } of asked) {
        const result = results.find((candidate) => candidate.partition === partition.buffer.partition)
        if (result === undefined || !this.isCurrent(partition, epoch)) continue
        partition.buffer.reset(result.offset)
        partition.isResolved = true
      }
    } catch (error) {
      if (signal.aborted) return
      for (const { partition, epoch } of asked) if (this.isCurrent(partition, epoch)) partition.error = asError(error)
    }
  }
}
