import type { IsolationLevel } from '../../protocol/isolation-level.ts'
import { type TopicPartition, formatTopicPartition } from '../../foundation/topic-partition.ts'
import { backoffMs } from '../../foundation/async/backoff.ts'
import { deferred, type Deferred } from '../../foundation/async/deferred.ts'
import { errorCodes, isRetriableCode } from '../../protocol/error-codes.ts'
import { fetch as fetchApi } from '../../protocol/messages/fetch.ts'
import type { ResponseOf } from '../../protocol/schema.ts'
import { AssignedPartitions, type AssignedPartition, type StartOffset } from './assigned-partitions.ts'
import type { Cluster } from '../cluster/cluster.ts'
import {
  asError,
  BrokerError,
  CorruptBatchError,
  isRetriable,
  KafkaError,
  OffsetOutOfRangeError,
  TopicRecreatedError,
} from '../errors.ts'
import { fetchRequestOf, fetchVersionOf, namesAnotherTopic, type FetchLimits } from './fetch-request.ts'
import { type FetchedRecord } from './fetched-record.ts'
import { LeaderFinder } from '../cluster/leader-finder.ts'
import { listOffsets, offsetTimes } from './list-offsets.ts'
import { TroubleWatch } from '../log-trouble.ts'

/** What may be said about fetching; names of Kafka's settings in brackets. */
export interface FetchOptions {
  /** `isolation.level`. */
  readonly isolation?: IsolationLevel
  /** How long a broker may wait for data (`fetch.max.wait.ms`). */
  readonly maxWaitMs?: number
  /** `fetch.min.bytes`. */
  readonly minBytes?: number
  /** Bytes of one answer, and of what is buffered before fetching stops (`fetch.max.bytes`). */
  readonly maxBytes?: number
  /** Bytes of one partition in an answer (`max.partition.fetch.bytes`). A larger batch comes alone. */
  readonly maxPartitionBytes?: number
}

interface Asked {
  readonly partition: AssignedPartition
  readonly epoch: number
}

type PartitionAnswer = ResponseOf<typeof fetchApi>['responses'][number]['partitions'][number]

/** A second request may be parked at a node, so that a partition that is ready does not wait for the poll of idle ones. */
const slotsPerNode = 2
const answerTimeoutMs = 30_000
/** Damage that a broker reports is taken for real after so many reads. */
const corruptReads = 3

/**
 * Reads partitions it is given, ahead of its caller, within bounds: while the caller works on what `poll` gave, the next
 * fetches are under way. Lost connections and moved leaders heal by themselves; an offset out of range or damaged bytes are
 * thrown by every `poll` until the partition is removed or its position set.
 */
export class Fetcher {
  /** Partitions whose records cannot be read now. */
  readonly trouble: TroubleWatch
  readonly #cluster: Cluster
  readonly #limits: FetchLimits
  readonly #leaders: LeaderFinder
  readonly #lanes: readonly string[]
  readonly #closing = new AbortController()
  readonly #partitions: AssignedPartitions
  readonly #busySlots = new Set<string>()
  #arrival: Deferred<void> | null = null
  #cancelTimer: (() => void) | null = null
  #failure: Error | null = null
  #isWoken = false

  constructor(cluster: Cluster, options: FetchOptions = {}) {
    this.#cluster = cluster
    this.trouble = new TroubleWatch(cluster.clock, 'read')
    this.#limits = {
      isolation: options.isolation ?? 'read_committed',
      maxWaitMs: options.maxWaitMs ?? 500,
      minBytes: options.minBytes ?? 1,
      maxBytes: options.maxBytes ?? 8 * 1024 * 1024,
      maxPartitionBytes: options.maxPartitionBytes ?? 1024 * 1024,
    }
    const { signal } = this.#closing
    this.#lanes = Array.from({ length: slotsPerNode }, () => cluster.newLane('fetch'))
    this.#partitions = new AssignedPartitions(cluster, this.#limits.isolation, signal)
    this.#partitions.onResolved = () => {
      this.#arrived()
      this.#fetch()
    }
    this.#leaders = new LeaderFinder(cluster, signal)
    this.#leaders.onFound = () => this.#fetch()
    this.#leaders.onError = (error) => {
      this.#failure = asError(error)
      this.#arrived()
    }
  }

  /** Adds a partition, or sets where it goes on. */
  start(partition: TopicPartition, from: StartOffset): void {
    this.#partitions.start(partition, from)
    this.#fetch()
  }

  /** Stops reading a partition; what is buffered of it is forgotten. */
  remove(partition: TopicPartition): void {
    this.trouble.over(formatTopicPartition(partition))
    this.#partitions.remove(partition)
  }

  /** Keeps a partition's records back until `resume`. */
  pause(partition: TopicPartition): void {
    const state = this.#partitions.get(partition)
    if (state === undefined) return
    state.isPaused = true
    this.trouble.over(state.key)
  }

  /** Undoes `pause`. */
  resume(partition: TopicPartition): void {
    const state = this.#partitions.get(partition)
    if (state === undefined || !state.isPaused) return
    state.isPaused = false
    this.#arrived()
    this.#fetch()
  }

  /** The partitions that are read. */
  partitions(): TopicPartition[] {
    return [...this.#partitions].map(({ buffer: { topic, partition } }) => ({ topic, partition }))
  }

  /** Offset after the last record (or gap) that was handed out; null while it is not known, or not read. */
  position(partition: TopicPartition): number | null {
    const state = this.#partitions.get(partition)
    return state?.isResolved === true ? state.buffer.position : null
  }

  /** The end of the log as the last fetch saw it; null before the first. */
  highWatermark(partition: TopicPartition): number | null {
    const value = this.#partitions.get(partition)?.highWatermark ?? -1
    return value < 0 ? null : value
  }

  /** The id of the topic whose records are read; null where the cluster has no topic ids, or it is not read. */
  topicId(topic: string): string | null {
    for (const state of this.#partitions) if (state.buffer.topic === topic) return state.topicId
    return null
  }

  /** Resolves when every partition has a position. @throws the signal's reason, or what `poll` throws. */
  async resolved(signal?: AbortSignal): Promise<void> {
    await this.#partitions.resolved(signal)
  }

  /**
   * Up to `maxRecords` records, in order within each partition; waits for the first at most `maxWaitMs`. Empty when none
   * came, when positions moved over what is not delivered, or when {@link wake} was called.
   * @throws OffsetOutOfRangeError, CorruptBatchError, BrokerError, or the signal's reason.
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

  /** Makes a waiting `poll` return, or the next one that would wait. */
  wake(): void {
    if (this.#arrival === null) this.#isWoken = true
    else this.#arrived()
  }

  /** Stops fetching. A waiting `poll` returns nothing. */
  close(): void {
    this.#closing.abort(new KafkaError('the consumer is closed'))
    this.#cancelTimer?.()
    this.trouble.close()
    for (const lane of this.#lanes) this.#cluster.closeLane(lane)
    this.#partitions.clear()
    this.#arrived()
  }

  /** Null when nothing moved. An error comes after the records before it. */
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
    if (moved) this.#fetch()
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
      this.#fetch()
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

  /** Sends what can be sent: for each node, in a free slot, its partitions that have room and are not asked for already. */
  #fetch(): void {
    if (this.#closing.signal.aborted) return
    for (const [nodeId, partitions] of this.#ready()) {
      const lane = this.#lanes.find((candidate) => !this.#busySlots.has(`${nodeId}/${candidate}`))
      if (lane !== undefined) void this.#request(nodeId, lane, partitions)
    }
  }

  #ready(): Map<number, AssignedPartition[]> {
    const now = this.#cluster.clock.monotonic()
    const byNode = new Map<number, AssignedPartition[]>()
    // What is buffered of paused partitions keeps nobody from fetching the others, and has a limit of its own.
    this.#partitions.dropPaused(this.#limits.maxBytes)
    let buffered = 0
    for (const { buffer, isPaused } of this.#partitions) if (!isPaused) buffered += buffer.bytes
    if (buffered >= this.#limits.maxBytes) return byNode
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

  /** Whether the topic is not the one that was read: then nothing of it is delivered. */
  #isRecreated(state: AssignedPartition): boolean {
    const { topic } = state.buffer
    const id = this.#cluster.metadata.topics.get(topic)?.id ?? null
    if (state.topicId === null) state.topicId = id
    // Metadata alone does not prove it: it may come from a broker that lags behind.
    if (!state.isDoubted || id === null || state.topicId === null || id === state.topicId) return false
    this.#give(state, new TopicRecreatedError(topic, { was: state.topicId, is: id }))
    return true
  }

  #wants(state: AssignedPartition): boolean {
    if (state.isPaused || state.isFetching || state.error !== null) return false
    if (!state.isResolved) this.#partitions.resolve(state.buffer.topic)
    return state.isResolved && state.buffer.bytes < this.#limits.maxPartitionBytes
  }

  #wakeAt(at: number, now: number): void {
    this.#cancelTimer?.()
    this.#cancelTimer = null
    if (Number.isFinite(at)) this.#cancelTimer = this.#cluster.clock.after(Math.max(1, at - now), () => this.#fetch())
  }

  async #request(nodeId: number, lane: string, partitions: readonly AssignedPartition[]): Promise<void> {
    const slot = `${nodeId}/${lane}`
    const { signal } = this.#closing
    this.#busySlots.add(slot)
    const asked = partitions.map((partition) => ({ partition, epoch: partition.epoch }))
    for (const partition of partitions) partition.isFetching = true
    const targets = partitions.map(({ buffer: { topic, partition, fetchOffset }, topicId }) => ({
      topic,
      topicId,
      partition,
      fetchOffset,
    }))
    const request = fetchRequestOf(this.#limits, targets)
    const maxVersion = fetchVersionOf(targets)
    try {
      const connection = await this.#cluster.connection(nodeId, lane, signal)
      const timeoutMs = this.#limits.maxWaitMs + answerTimeoutMs
      const answer = await connection.send(fetchApi, request, { timeoutMs, signal, maxVersion })
      if (answer.errorCode !== errorCodes.NONE) throw new BrokerError(answer.errorCode, 'Fetch')
      await this.#answered(asked, answer)
    } catch (error) {
      if (!signal.aborted) this.#failed(asked, error)
    } finally {
      for (const partition of partitions) partition.isFetching = false
      this.#busySlots.delete(slot)
      this.#fetch()
    }
  }

  async #answered(asked: readonly Asked[], answer: ResponseOf<typeof fetchApi>): Promise<void> {
    const byKey = new Map<string, PartitionAnswer>()
    // The version that was spoken decides whether topics are named or go by id.
    for (const { topic, topicId, partitions } of answer.responses)
      for (const partition of partitions)
        byKey.set(formatTopicPartition({ topic: topic || topicId, partition: partition.partitionIndex }), partition)
    for (const { partition, epoch } of asked) {
      const byName = byKey.get(partition.key)
      const answered =
        byName ??
        byKey.get(formatTopicPartition({ topic: partition.topicId ?? '', partition: partition.buffer.partition }))
      if (answered === undefined || !this.#partitions.isCurrent(partition, epoch)) continue
      // A broker that goes by name serves whatever topic has the name: metadata is the only witness there is.
      if (byName !== undefined) {
        partition.isDoubted = true
        if (this.#isRecreated(partition)) continue
      }
      if (answered.errorCode === errorCodes.NONE) this.#received(partition, answered)
      else await this.#refused(partition, answered.errorCode)
    }
  }

  #received(partition: AssignedPartition, answer: PartitionAnswer): void {
    partition.failures = 0
    this.trouble.over(partition.key)
    partition.isDoubted = false
    partition.start = null
    partition.highWatermark = answer.highWatermark
    const { records } = answer
    if (records === null || records.length === 0) return
    const isCommitted = this.#limits.isolation === 'read_committed'
    partition.buffer.push(records, isCommitted ? (answer.abortedTransactions ?? []) : null)
    this.#partitions.moveToEnd(partition)
    this.#arrived()
  }

  async #refused(partition: AssignedPartition, code: number): Promise<void> {
    const error = new BrokerError(code, `Fetch of ${partition.key}`)
    const { topic, partition: number, fetchOffset } = partition.buffer
    if (code === errorCodes.OFFSET_OUT_OF_RANGE) await this.#outOfRange(partition)
    else if (code === errorCodes.CORRUPT_MESSAGE && partition.failures >= corruptReads)
      this.#give(partition, new CorruptBatchError(topic, number, fetchOffset, error))
    else if (isRetriableCode(code)) {
      partition.isDoubted ||= namesAnotherTopic.has(code)
      this.#retry(partition, error)
    } else this.#give(partition, error)
  }

  async #outOfRange(state: AssignedPartition): Promise<void> {
    // It was an end of the log a moment ago, and retention was faster: it is that end still which is meant.
    if (state.start !== null) {
      state.isResolved = false
      return
    }
    const { topic, partition, fetchOffset } = state.buffer
    const options = { isolation: 'read_uncommitted', signal: this.#closing.signal } as const
    const [start] = await listOffsets(this.#cluster, [{ topic, partition, timestamp: offsetTimes.earliest }], options)
    const [end] = await listOffsets(this.#cluster, [{ topic, partition, timestamp: offsetTimes.latest }], options)
    const range = { offset: fetchOffset, logStartOffset: start?.offset ?? -1, logEndOffset: end?.offset ?? -1 }
    // A leader that is not the leader any more may have said it.
    if (fetchOffset >= range.logStartOffset && fetchOffset <= range.logEndOffset) this.#retry(state, null)
    else this.#give(state, new OffsetOutOfRangeError(topic, partition, range))
  }

  #failed(asked: readonly Asked[], error: unknown): void {
    for (const { partition } of asked) {
      if (isRetriable(error)) this.#retry(partition, error)
      else this.#give(partition, error)
    }
  }

  #give(partition: AssignedPartition, error: unknown): void {
    partition.error = asError(error)
    this.#arrived()
  }

  #retry(partition: AssignedPartition, error: unknown): void {
    // Nobody tries to read what is paused: its trouble would never be over.
    if (error !== null && !partition.isPaused) this.trouble.note(partition.key, asError(error))
    const { clock, backoff } = this.#cluster
    partition.failures += 1
    partition.retryAt = clock.monotonic() + backoffMs(backoff, partition.failures)
    this.#leaders.forget(partition.buffer.topic)
  }
}
