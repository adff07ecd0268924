import type { IsolationLevel } from '../../protocol/isolation-level.ts'
import { type TopicPartition, formatTopicPartition } from '../../foundation/topic-partition.ts'
import { abortable } from '../../foundation/async/abortable.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { asError } from '../errors.ts'
import { listOffsets, offsetTimes } from './list-offsets.ts'
import { PartitionBuffer } from './partition-buffer.ts'

/** Where to begin: an offset, or an end of the log as it is when the first fetch is made. */
export type StartOffset = number | 'earliest' | 'latest'

/** A partition that is read. */
export interface AssignedPartition {
  readonly key: string
  readonly buffer: PartitionBuffer
  /** The id of the topic that is read; null while it is not known, and where the cluster has no topic ids. */
  topicId: string | null
  /** Whether a broker said that it does not know that id: the topic may have been created again. */
  isDoubted: boolean
  /** The end of the log to begin at; null when it is an offset, or the first fetch has proved it right. */
  start: 'earliest' | 'latest' | null
  /** Whether `buffer.position` is an offset of the log. */
  isResolved: boolean
  isPaused: boolean
  isFetching: boolean
  /** Changes when the position is set: answers to earlier fetches are thrown away. */
  epoch: number
  failures: number
  /** Monotonic time before which it is not asked for. */
  retryAt: number
  highWatermark: number
  /** Why it cannot be read on; thrown by every poll. */
  error: Error | null
}

export interface AssignedPartitionsOptions {
  readonly isolation: IsolationLevel
  /** Stops all lookups. */
  readonly signal: AbortSignal
  /** The start offsets of a topic's partitions have become known, or cannot be found. */
  readonly onResolved: () => void
}

/** The partitions of one fetcher, and where each begins. In the order in which they are asked for. */
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

  /** Whether this is still the partition that was asked for, read from the same place. */
  isCurrent(partition: AssignedPartition, epoch: number): boolean {
    return partition.epoch === epoch && this.#partitions.get(partition.key) === partition
  }

  /** Adds a partition, or sets where it goes on. */
  start(target: TopicPartition, from: StartOffset): void {
    const key = formatTopicPartition(target)
    const offset = typeof from === 'number' ? from : -1
    const start = typeof from === 'number' ? null : from
    const isResolved = typeof from === 'number'
    const known = this.#partitions.get(key)
    if (known !== undefined) {
      known.buffer.reset(offset)
      Object.assign(known, { epoch: known.epoch + 1, start, isResolved, error: null, failures: 0, retryAt: 0 })
      return
    }
    this.#partitions.set(key, {
      key,
      buffer: new PartitionBuffer(target.topic, target.partition, offset),
      topicId: this.#cluster.metadata.topics.get(target.topic)?.id ?? null,
      isDoubted: false,
      start,
      isResolved,
      isPaused: false,
      isFetching: false,
      epoch: 0,
      failures: 0,
      retryAt: 0,
      highWatermark: -1,
      error: null,
    })
  }

  remove(target: TopicPartition): void {
    this.#partitions.delete(formatTopicPartition(target))
  }

  clear(): void {
    this.#partitions.clear()
  }

  /** Puts a partition behind the others. */
  moveToEnd(partition: AssignedPartition): void {
    if (!this.#partitions.delete(partition.key)) return
    this.#partitions.set(partition.key, partition)
  }

  /** Forgets what is buffered of paused partitions beyond `maxBytes` in all: it is fetched again once they are resumed. */
  dropPaused(maxBytes: number): void {
    let kept = 0
    for (const state of this.#partitions.values()) {
      if (!state.isPaused || state.buffer.bytes === 0) continue
      if (kept + state.buffer.bytes <= maxBytes) kept += state.buffer.bytes
      else {
        state.buffer.reset(state.buffer.position)
        state.epoch += 1
      }
    }
  }

  /** Resolves when every partition has a position. @throws the signal's reason, or a partition's error. */
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

  /** Asks where the partitions of a topic begin that have no offset yet. */
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
      const answers = await this.#cluster.retrying(`find where topic ${topic} begins`, options, () =>
        listOffsets(this.#cluster, queries, options),
      )
      for (const { partition, epoch } of asked) {
        const answer = answers.find((candidate) => candidate.partition === partition.buffer.partition)
        if (answer === undefined || !this.isCurrent(partition, epoch)) continue
        partition.buffer.reset(answer.offset)
        partition.isResolved = true
      }
    } catch (error) {
      if (signal.aborted) return
      for (const { partition, epoch } of asked) if (this.isCurrent(partition, epoch)) partition.error = asError(error)
    }
  }
}
