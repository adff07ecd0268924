import { formatTopicPartition } from '../../foundation/topic-partition.ts'
import { backoffMs } from '../../foundation/async/backoff.ts'
import { errorCodes, isRetriableCode } from '../../protocol/error-codes.ts'
import { fetch as fetchApi } from '../../protocol/messages/fetch.ts'
import type { ResponseOf } from '../../protocol/schema.ts'
import type { AssignedPartition, AssignedPartitions } from './assigned-partitions.ts'
import type { Cluster } from '../cluster/cluster.ts'
import {
  asError,
  BrokerError,
  CorruptBatchError,
  isRetriable,
  OffsetOutOfRangeError,
  TopicRecreatedError,
} from '../errors.ts'
import { fetchRequestOf, fetchVersionOf, namesAnotherTopic, type FetchLimits } from './fetch-request.ts'
import { LeaderFinder } from '../cluster/leader-finder.ts'
import { rangeWithout, resetTarget, type ResetPolicy } from './out-of-range.ts'
import type { TroubleWatch } from '../log-trouble.ts'

interface Asked {
  readonly partition: AssignedPartition
  readonly epoch: number
}

type PartitionResponse = ResponseOf<typeof fetchApi>['responses'][number]['partitions'][number]

/** The broker may hold a second request while the first one waits, so that a ready partition need not wait for idle ones. */
const requestsPerNode = 2
const responseTimeoutMs = 30_000
/** A partition whose broker reports corruption fails after so many attempts. */
const corruptReads = 3

/** What a {@link FetchSender} works with, and what it reports to its owner. */
export interface FetchSenderOptions {
  readonly limits: FetchLimits
  readonly partitions: AssignedPartitions
  /** Where reading continues when an offset is out of range; null: nowhere. */
  readonly resetTo: ResetPolicy | null
  /** Stops everything. */
  readonly signal: AbortSignal
  readonly trouble: TroubleWatch | null
  /** A partition has records to read, a reset that is due, or an error. */
  readonly onArrival: () => void
  /** No partition can be read any more: the leaders cannot be looked up. */
  readonly onFailure: (error: Error) => void
}

/**
 * Fetches into the buffers of the assigned partitions, ahead of what is read from them, up to the limits (I10). Retries after
 * lost connections and leader changes; other failures are stored in the partition's `error`.
 */
export class FetchSender {
  readonly #cluster: Cluster
  readonly #options: FetchSenderOptions
  readonly #partitions: AssignedPartitions
  readonly #leaders: LeaderFinder
  readonly #purposes: readonly string[]
  /** `node/purpose` of the requests in flight. */
  readonly #inFlight = new Set<string>()
  #cancelTimer: (() => void) | null = null

  constructor(cluster: Cluster, options: FetchSenderOptions) {
    this.#cluster = cluster
    this.#options = options
    this.#partitions = options.partitions
    this.#purposes = Array.from({ length: requestsPerNode }, () => cluster.newPurpose('fetch'))
    this.#leaders = new LeaderFinder(cluster, options.signal, {
      onFound: () => this.send(),
      onError: (error) => options.onFailure(asError(error)),
    })
  }

  /** Sends to each node with a free connection one request for its partitions that have room and are not being fetched. */
  send(): void {
    if (this.#options.signal.aborted) return
    for (const [nodeId, partitions] of this.#ready()) {
      const purpose = this.#purposes.find((candidate) => !this.#inFlight.has(`${nodeId}/${candidate}`))
      if (purpose !== undefined) void this.#request(nodeId, purpose, partitions)
    }
  }

  /** Closes the connections. */
  close(): void {
    this.#cancelTimer?.()
    for (const purpose of this.#purposes) this.#cluster.closePurpose(purpose)
  }

  #ready(): Map<number, AssignedPartition[]> {
    const { maxBytes } = this.#options.limits
    const now = this.#cluster.clock.monotonic()
    const byNode = new Map<number, AssignedPartition[]>()
    // The buffers of paused partitions have a limit of their own, so that they never stop the fetches of the others.
    this.#partitions.dropPaused(maxBytes)
    let buffered = 0
    for (const { buffer, isPaused } of this.#partitions) if (!isPaused) buffered += buffer.bytes
    if (buffered >= maxBytes) return byNode
    let wakeAt = Number.POSITIVE_INFINITY
    for (const state of this.#partitions) {
      if (!this.#wants(state)) continue
      if (state.retryAt > now) {
        wakeAt = Math.min(wakeAt, state.retryAt)
        continue
      }
      if (this.#isRecreated(state)) continue
      const nodeId = this.#leaders.leaderOf(state.buffer.topic, state.buffer.partition)
      if (nodeId === null) continue
      const ofNode = byNode.get(nodeId)
      if (ofNode === undefined) byNode.set(nodeId, [state])
      else ofNode.push(state)
    }
    this.#wakeAt(wakeAt, now)
    return byNode
  }

  /** Returns whether the topic was deleted and created again since it was first read; its records are not delivered then. */
  #isRecreated(state: AssignedPartition): boolean {
    const { topic } = state.buffer
    const id = this.#cluster.metadata.topics.get(topic)?.id ?? null
    if (state.topicId === null) state.topicId = id
    // Metadata alone is no proof: the broker it came from may lag behind.
    if (!state.isDoubted || id === null || state.topicId === null || id === state.topicId) return false
    this.#fail(state, new TopicRecreatedError(topic, { was: state.topicId, is: id }, this.#options.resetTo))
    return true
  }

  #wants(state: AssignedPartition): boolean {
    if (state.isPaused || state.isFetching || state.outOfRange !== null || state.error !== null) return false
    if (!state.isResolved) this.#partitions.resolve(state.buffer.topic)
    return state.isResolved && state.buffer.bytes < this.#options.limits.maxPartitionBytes
  }

  #wakeAt(at: number, now: number): void {
    this.#cancelTimer?.()
    this.#cancelTimer = null
    if (Number.isFinite(at)) this.#cancelTimer = this.#cluster.clock.after(Math.max(1, at - now), () => this.send())
  }

  async #request(nodeId: number, purpose: string, partitions: readonly AssignedPartition[]): Promise<void> {
    const slot = `${nodeId}/${purpose}`
    const { signal, limits } = this.#options
    this.#inFlight.add(slot)
    const asked = partitions.map((partition) => ({ partition, epoch: partition.epoch }))
    for (const partition of partitions) partition.isFetching = true
    const targets = partitions.map(({ buffer: { topic, partition, fetchOffset }, topicId }) => ({
      topic,
      topicId,
      partition,
      fetchOffset,
    }))
    const request = fetchRequestOf(limits, targets)
    const maxVersion = fetchVersionOf(targets)
    try {
      const connection = await this.#cluster.connection(nodeId, purpose, signal)
      const timeoutMs = limits.maxWaitMs + responseTimeoutMs
      const response = await connection.send(fetchApi, request, { timeoutMs, signal, maxVersion })
      if (response.errorCode !== errorCodes.NONE) throw new BrokerError(response.errorCode, 'Fetch')
      await this.#receive(asked, response)
    } catch (error) {
      if (!signal.aborted) this.#requestFailed(asked, error)
    } finally {
      for (const partition of partitions) partition.isFetching = false
      this.#inFlight.delete(slot)
      this.send()
    }
  }

  async #receive(asked: readonly Asked[], response: ResponseOf<typeof fetchApi>): Promise<void> {
    const byKey = new Map<string, PartitionResponse>()
    // The request's version decides whether topics go by name or by id.
    for (const { topic, topicId, partitions } of response.responses)
      for (const partition of partitions)
        byKey.set(formatTopicPartition({ topic: topic || topicId, partition: partition.partitionIndex }), partition)
    for (const { partition, epoch } of asked) {
      const byName = byKey.get(partition.key)
      const result =
        byName ??
        byKey.get(formatTopicPartition({ topic: partition.topicId ?? '', partition: partition.buffer.partition }))
      if (result === undefined || !this.#partitions.isCurrent(partition, epoch)) continue
      // A fetch by name reads any topic that has the name: only metadata can tell whether it is still the same one.
      if (byName !== undefined) {
        partition.isDoubted = true
        if (this.#isRecreated(partition)) continue
      }
      if (result.errorCode === errorCodes.NONE) this.#take(partition, result)
      else await this.#refused(partition, result.errorCode)
    }
  }

  #take(partition: AssignedPartition, result: PartitionResponse): void {
    partition.failures = 0
    this.#options.trouble?.over(partition.key)
    partition.isDoubted = false
    partition.start = null
    partition.highWatermark = result.highWatermark
    const { records } = result
    if (records === null || records.length === 0) return
    const isCommitted = this.#options.limits.isolation === 'read_committed'
    partition.buffer.push(records, isCommitted ? (result.abortedTransactions ?? []) : null)
    this.#partitions.moveToEnd(partition)
    this.#options.onArrival()
  }

  async #refused(partition: AssignedPartition, code: number): Promise<void> {
    const error = new BrokerError(code, `Fetch of ${partition.key}`)
    const { topic, partition: number, fetchOffset } = partition.buffer
    if (code === errorCodes.OFFSET_OUT_OF_RANGE) await this.#outOfRange(partition)
    else if (code === errorCodes.CORRUPT_MESSAGE && partition.failures >= corruptReads)
      this.#fail(partition, new CorruptBatchError(topic, number, fetchOffset, error))
    else if (isRetriableCode(code)) {
      partition.isDoubted ||= namesAnotherTopic.has(code)
      this.#retry(partition, error)
    } else this.#fail(partition, error)
  }

  async #outOfRange(state: AssignedPartition): Promise<void> {
    // Retention may remove records between the lookup of the start offset and the first fetch: look it up again.
    if (state.start !== null) {
      state.isResolved = false
      return
    }
    const { topic, partition, fetchOffset: offset } = state.buffer
    const { epoch } = state
    const { limits, signal, resetTo, onArrival } = this.#options
    const range = await rangeWithout(this.#cluster, { topic, partition, offset }, signal)
    if (!this.#partitions.isCurrent(state, epoch)) return
    if (range === null) return this.#retry(state, null)
    if (resetTo === null) {
      return this.#fail(state, new OffsetOutOfRangeError(topic, partition, { offset, ...range }))
    }
    const { logStartOffset } = range
    const options = { policy: resetTo, isolation: limits.isolation, signal }
    const to = await resetTarget(this.#cluster, { topic, partition, logStartOffset }, options)
    if (!this.#partitions.isCurrent(state, epoch)) return
    state.outOfRange = { ...range, to }
    onArrival()
  }

  #requestFailed(asked: readonly Asked[], error: unknown): void {
    for (const { partition } of asked) {
      if (isRetriable(error)) this.#retry(partition, error)
      else this.#fail(partition, error)
    }
  }

  #fail(partition: AssignedPartition, error: unknown): void {
    partition.error = asError(error)
    this.#options.onArrival()
  }

  #retry(partition: AssignedPartition, error: unknown): void {
    // A paused partition is not fetched, so its trouble would never end.
    if (error !== null && !partition.isPaused) this.#options.trouble?.note(partition.key, asError(error))
    const { clock, backoff } = this.#cluster
    partition.failures += 1
    partition.retryAt = clock.monotonic() + backoffMs(backoff, partition.failures)
    this.#leaders.forget(partition.buffer.topic)
  }
}
