import { type TopicPartition, formatTopicPartition } from '../../foundation/topic-partition.ts'
import { abortable } from '../../foundation/async/abortable.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { decodeAssignment, decodeSubscription, encodeAssignment, encodeSubscription } from './consumer-protocol.ts'
import { FencedMemberError, KafkaError, NoOffsetError, TopicRecreatedError, UnknownTopicError } from '../errors.ts'
import { type FetchedRecord } from '../consumer/fetched-record.ts'
import { Fetcher, type FetchOptions } from '../consumer/fetcher.ts'
import { GroupMember, type MemberMetadata } from './group-member.ts'
import { commitOffsets, fetchOffsets, type GroupOffset } from './group-offsets.ts'
import { TroubleWatch, type LogTrouble } from '../log-trouble.ts'
import { assignRanges, rangeAssignorName } from './range-assignor.ts'
import { Subscription, type TopicSelection } from '../consumer/subscription.ts'
import { errorCodes } from '../../protocol/error-codes.ts'

/** What may be said about a consumer; names of Kafka's settings in brackets. */
export interface GroupConsumerOptions extends FetchOptions {
  readonly groupId: string
  /** Where partitions without a committed offset begin (`auto.offset.reset`). */
  readonly autoOffsetReset?: 'earliest' | 'latest' | 'none'
  /** `max.poll.records`. */
  readonly maxPollRecords?: number
  /** How long the coordinator waits for a sign of life (`session.timeout.ms`). */
  readonly sessionTimeoutMs?: number
  /** `heartbeat.interval.ms`. */
  readonly heartbeatIntervalMs?: number
  /** Longest time between two polls, and for a rebalance (`max.poll.interval.ms`). */
  readonly maxPollIntervalMs?: number
  /** How often topics are looked up again (`metadata.max.age.ms`): how soon a topic that matches is found. */
  readonly metadataMaxAgeMs?: number
  /** `allow.auto.create.topics`. */
  readonly allowAutoTopicCreation?: boolean
}

/** Why partitions are taken away. */
export interface Revocation {
  /** Whether they may belong to somebody else already: commits are refused then. */
  readonly lost: boolean
  readonly reason: string
}

/**
 * What a consumer reports to its owner. The first two are called inside `poll`, as those of Kafka's
 * [ConsumerRebalanceListener](https://kafka.apache.org/39/javadoc/org/apache/kafka/clients/consumer/ConsumerRebalanceListener.html).
 */
export interface ConsumerListener {
  /** Partitions were assigned. Receives the offset of the next record of each. */
  readonly onAssigned: (offsets: readonly GroupOffset[]) => Promise<void> | void
  /** Partitions are revoked. Flush and commit here: the rebalance continues when the promise resolves. */
  readonly onRevoked: (partitions: readonly TopicPartition[], revocation: Revocation) => Promise<void> | void
  /** Records cannot be read, which is retried; null when they can be read again. Must not throw. */
  readonly onTrouble?: (trouble: LogTrouble | null) => void
}

const defaultMaxPollIntervalMs = 300_000
const pollIntervalChecks = 4
/** What the metadata of a committed offset begins with; the id of its topic follows. */
const topicIdMark = 'penstock-topic-id='
/** Stands for the coordinator among the places that do not respond. */
const coordinator = 'the coordinator'

/**
 * A consumer in a group. Everything happens inside `poll`, as with Kafka's own: it joins, and calls `onRevoked` and
 * `onAssigned`, so they never run beside the caller's work. Heartbeats and fetches go on in between. All partitions are given
 * up at a rebalance (the eager protocol, assignor `range`). Nothing is committed but by `commit`.
 */
export class GroupConsumer {
  readonly #cluster: Cluster
  readonly #options: GroupConsumerOptions
  readonly #fetcher: Fetcher
  readonly #member: GroupMember
  readonly #closing = new AbortController()
  #subscription: Subscription | null = null
  #listener: ConsumerListener | null = null
  #joining: Promise<readonly GroupOffset[]> | null = null
  #isLost = false
  /** What `onAssigned` was told of and `onRevoked` was not. */
  #assigned: readonly TopicPartition[] = []
  /** Monotonic time when the last poll ended; null during one. */
  #polledAt: number | null
  readonly #stopPollCheck: () => void

  constructor(cluster: Cluster, options: GroupConsumerOptions) {
    this.#cluster = cluster
    this.#options = options
    const trouble = new TroubleWatch(cluster.clock, 'read', (standing) => this.#listener?.onTrouble?.(standing))
    this.#fetcher = new Fetcher(cluster, options, trouble)
    this.#polledAt = cluster.clock.monotonic()
    const checkMs = Math.ceil((options.maxPollIntervalMs ?? defaultMaxPollIntervalMs) / pollIntervalChecks)
    this.#stopPollCheck = cluster.clock.every(checkMs, () => this.#checkPollInterval())
    this.#member = new GroupMember(cluster, {
      groupId: options.groupId,
      protocolType: 'consumer',
      sessionTimeoutMs: options.sessionTimeoutMs ?? 45_000,
      rebalanceTimeoutMs: options.maxPollIntervalMs ?? defaultMaxPollIntervalMs,
      heartbeatIntervalMs: options.heartbeatIntervalMs ?? 3_000,
      protocols: () => [{ name: rangeAssignorName, metadata: encodeSubscription(this.#subscription?.ask() ?? []) }],
      assign: (_, members) => this.#assign(members),
      onRejoinNeeded: (_, lost) => {
        this.#isLost ||= lost
        this.#fetcher.wake()
      },
      onReached: (error) => {
        if (error === null) trouble.over(coordinator)
        else trouble.note(coordinator, error)
      },
    })
  }

  /** Sets the topics to read and the listener of the assignment. The first `poll` joins the group. */
  subscribe(selection: TopicSelection, listener: ConsumerListener): void {
    this.#listener = listener
    this.#subscription?.close()
    this.#subscription = new Subscription(this.#cluster, selection, {
      maxAgeMs: this.#options.metadataMaxAgeMs ?? 300_000,
      allowAutoTopicCreation: this.#options.allowAutoTopicCreation ?? false,
      onChange: (reason) => this.#member.requestRejoin(reason),
    })
    this.#member.requestRejoin('the subscription was set')
  }

  /** The partitions this member holds. */
  assignment(): TopicPartition[] {
    return this.#fetcher.partitions()
  }

  /** Whether this member shares out the partitions of the group. */
  get isLeader(): boolean {
    return this.#member.generation?.isLeader ?? false
  }

  /**
   * The next records, in order within each partition; waits for the first at most `maxWaitMs`. Joins the group when that is
   * needed: a join that takes longer goes on, and the next `poll` waits for it again.
   * @throws OffsetOutOfRangeError, NoOffsetError, CorruptBatchError, BrokerError, what a callback throws, or the signal's reason.
   */
  async poll(maxWaitMs: number, signal?: AbortSignal): Promise<readonly FetchedRecord[]> {
    const { clock } = this.#cluster
    const deadline = clock.monotonic() + maxWaitMs
    this.#polledAt = null
    try {
      if (!(await this.#isMember(deadline, signal))) return []
      const left = Math.max(0, deadline - clock.monotonic())
      return await this.#fetcher.poll(left, this.#options.maxPollRecords ?? 500, signal)
    } finally {
      this.#polledAt = clock.monotonic()
    }
  }

  /**
   * Commits offsets of this member's partitions: that of the next record to read. An offset without metadata of its own
   * carries the id of its topic there, so that it is never taken for one of a later topic of the same name.
   * @throws FencedMemberError when the partitions are not this member's any more, UnknownTopicError when a topic was
   * deleted, TopicRecreatedError when it was created again, BrokerError, or the signal's reason.
   */
  async commit(offsets: readonly GroupOffset[], signal?: AbortSignal): Promise<void> {
    const { generation } = this.#member
    const { groupId } = this.#options
    if (generation === null) throw new FencedMemberError(errorCodes.UNKNOWN_MEMBER_ID, `a commit of group ${groupId}`)
    try {
      await commitOffsets(this.#cluster, groupId, generation, this.#marked(offsets), {
        signal,
        check: () => this.#checkTopics(offsets),
      })
    } catch (error) {
      if (error instanceof FencedMemberError) this.#fenced(error)
      if (error instanceof UnknownTopicError) this.#member.requestRejoin(error.message)
      throw error
    }
  }

  /** The id of the topic whose records `poll` gives; null where the cluster has no topic ids. */
  topicId(topic: string): string | null {
    return this.#fetcher.topicId(topic)
  }

  #marked(offsets: readonly GroupOffset[]): readonly GroupOffset[] {
    const ids = this.#idsOf(offsets)
    return offsets.map((offset) => {
      const id = ids.get(offset.topic) ?? null
      return offset.metadata !== undefined || id === null ? offset : { ...offset, metadata: `${topicIdMark}${id}` }
    })
  }

  #idsOf(offsets: readonly TopicPartition[]): ReadonlyMap<string, string | null> {
    return new Map(
      [...new Set(offsets.map(({ topic }) => topic))].map((topic) => [topic, this.#fetcher.topicId(topic)]),
    )
  }

  /** @throws TopicRecreatedError when metadata says that a topic is not the one that was read. */
  #checkTopics(offsets: readonly TopicPartition[]): void {
    for (const [topic, was] of this.#idsOf(offsets)) {
      const is = this.#cluster.metadata.topics.get(topic)?.id ?? null
      if (was !== null && is !== null && was !== is) throw new TopicRecreatedError(topic, { was, is })
    }
  }

  /** The next `poll` gives the partitions up before it gives a record, rather than when a heartbeat finds out. */
  #fenced({ code, message }: FencedMemberError): void {
    this.#isLost ||= code !== errorCodes.REBALANCE_IN_PROGRESS
    this.#member.requestRejoin(message)
  }

  /** The group's committed offsets; partitions without one are left out. */
  async committed(partitions: readonly TopicPartition[], signal?: AbortSignal): Promise<readonly GroupOffset[]> {
    return fetchOffsets(this.#cluster, this.#options.groupId, partitions, signal)
  }

  /** Offset after the last record (or gap) that `poll` gave; null when the partition is not held. */
  position(partition: TopicPartition): number | null {
    return this.#fetcher.position(partition)
  }

  /** The end of the log as the last fetch saw it; null before the first. */
  highWatermark(partition: TopicPartition): number | null {
    return this.#fetcher.highWatermark(partition)
  }

  /** What is subscribed to and does not exist, in words; null when all is there, or not known yet. */
  missing(): string | null {
    return this.#subscription?.missing() ?? null
  }

  /** Goes on at `offset`. @throws KafkaError when the partition is not held. */
  seek(partition: TopicPartition, offset: number): void {
    if (this.#fetcher.position(partition) === null)
      throw new KafkaError(`cannot seek in ${formatTopicPartition(partition)}: it is not assigned`)
    this.#fetcher.start(partition, offset)
  }

  /** Keeps records of partitions back until `resume`, or the next rebalance. */
  pause(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.#fetcher.pause(partition)
  }

  /** Undoes `pause`. */
  resume(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.#fetcher.resume(partition)
  }

  /** Makes a waiting `poll` return, or the next one that would wait. */
  wake(): void {
    this.#fetcher.wake()
  }

  /** Leaves the group. `onRevoked` is not called: flush and commit before. */
  async close(): Promise<void> {
    this.#closing.abort(new KafkaError('the consumer is closed'))
    this.#stopPollCheck()
    this.#subscription?.close()
    this.#fetcher.close()
    await this.#member.leave('the consumer was closed')
    await this.#joining?.catch(() => undefined)
  }

  /** Whether the member holds its assignment; false when the deadline came first. */
  async #isMember(deadline: number, signal: AbortSignal | undefined): Promise<boolean> {
    while (this.#joining !== null || this.#member.rejoinReason !== null) {
      if (this.#joining === null) {
        await this.#giveUpPartitions(this.#member.rejoinReason ?? '')
        this.#joining = this.#join()
        // Nobody may be waiting when it fails: the next poll will be.
        this.#joining.catch(() => undefined)
      }
      const offsets = await this.#untilDeadline(this.#joining, deadline, signal)
      if (offsets === null) return false
      this.#joining = null
      // The generation may have ended while positions were looked up: then the next turn gives them up again.
      if (this.#member.generation === null) continue
      await this.#announce(offsets)
    }
    return true
  }

  /** An assignment that its owner did not take is none: the next poll begins with a join. */
  async #announce(offsets: readonly GroupOffset[]): Promise<void> {
    try {
      await this.#listener?.onAssigned(offsets)
      this.#assigned = offsets
    } catch (error) {
      this.#member.requestRejoin('the assignment was not taken')
      throw error
    }
  }

  async #untilDeadline<T>(promise: Promise<T>, deadline: number, signal: AbortSignal | undefined): Promise<T | null> {
    const { clock } = this.#cluster
    const late = Promise.withResolvers<null>()
    const cancel = clock.after(Math.max(0, deadline - clock.monotonic()), () => late.resolve(null))
    try {
      return await abortable(Promise.race([promise, late.promise]), signal)
    } catch (error) {
      if (signal?.aborted !== true) {
        this.#joining = null
        this.#member.requestRejoin('the last join did not come to its end')
      }
      throw error
    } finally {
      cancel()
    }
  }

  async #giveUpPartitions(reason: string): Promise<void> {
    const assigned = this.#assigned
    const lost = this.#isLost
    this.#assigned = []
    this.#isLost = false
    try {
      if (assigned.length > 0) await this.#listener?.onRevoked(assigned, { lost, reason })
    } finally {
      for (const partition of this.#fetcher.partitions()) this.#fetcher.remove(partition)
    }
  }

  /** Joins and finds out where the assigned partitions go on. Runs beside the caller: no callback in here. */
  async #join(): Promise<readonly GroupOffset[]> {
    const { signal } = this.#closing
    const subscription = this.#subscription
    if (subscription === null) throw new KafkaError('the consumer has no subscription')
    await subscription.load(signal)
    const generation = await this.#member.join(signal)
    if (!generation.isLeader) subscription.forgetGroup()
    subscription.watch()
    const partitions = decodeAssignment(generation.assignment)
    await this.#startPartitions(partitions, signal)
    return partitions.map(({ topic, partition }) => {
      const offset = this.#fetcher.position({ topic, partition }) ?? 0
      return { topic, partition, offset }
    })
  }

  async #startPartitions(partitions: readonly TopicPartition[], signal: AbortSignal): Promise<void> {
    const { groupId, autoOffsetReset = 'earliest' } = this.#options
    const unknown = partitions.map(({ topic }) => topic).filter((topic) => !this.#cluster.metadata.topics.has(topic))
    if (unknown.length > 0) await this.#cluster.refreshMetadata([...new Set(unknown)], { signal })
    const fetched = await fetchOffsets(this.#cluster, groupId, partitions, signal)
    const committed = await this.#withoutForeign(fetched, signal)
    const offsets = new Map(committed.map((offset) => [formatTopicPartition(offset), offset.offset]))
    for (const partition of partitions) {
      const offset = offsets.get(formatTopicPartition(partition))
      if (offset !== undefined) this.#fetcher.start(partition, offset)
      else if (autoOffsetReset === 'none') throw new NoOffsetError(partition.topic, partition.partition, groupId)
      else this.#fetcher.start(partition, autoOffsetReset)
    }
    await this.#fetcher.resolved(signal)
  }

  /** The offsets without those that were committed for an earlier topic of the same name: of this one they say nothing. */
  async #withoutForeign(committed: readonly GroupOffset[], signal: AbortSignal): Promise<readonly GroupOffset[]> {
    const { metadata, logger } = this.#cluster
    const isForeign = (offset: GroupOffset): boolean => {
      const id = metadata.topics.get(offset.topic)?.id ?? null
      return id !== null && offset.metadata?.startsWith(topicIdMark) === true && offset.metadata !== topicIdMark + id
    }
    const suspects = committed.filter((offset) => isForeign(offset))
    if (suspects.length === 0) return committed
    // What is known of the topic may be older than the offset.
    await this.#cluster.refreshMetadata([...new Set(suspects.map(({ topic }) => topic))], { signal })
    for (const offset of suspects.filter((suspect) => isForeign(suspect))) {
      logger.warn(
        `offset ${offset.offset} of ${formatTopicPartition(offset)} was committed for a topic that is deleted: ` +
          `the topic that has its name now begins where auto.offset.reset says`,
      )
    }
    return committed.filter((offset) => !isForeign(offset))
  }

  async #assign(members: readonly MemberMetadata[]): Promise<ReadonlyMap<string, Buffer>> {
    const subscriptions = new Map(members.map(({ memberId, metadata }) => [memberId, decodeSubscription(metadata)]))
    const topics = [...new Set([...subscriptions.values()].flat())]
    const counts =
      (await this.#subscription?.partitionCounts(topics, this.#closing.signal)) ?? new Map<string, number>()
    const assignments = assignRanges(subscriptions, counts)
    return new Map([...assignments].map(([memberId, partitions]) => [memberId, encodeAssignment(partitions)]))
  }

  /** A caller that does not poll any more is stuck: its partitions go to others, as Kafka's consumer does it. */
  #checkPollInterval(): void {
    const { groupId, maxPollIntervalMs = defaultMaxPollIntervalMs } = this.#options
    const idleMs = this.#polledAt === null ? 0 : this.#cluster.clock.monotonic() - this.#polledAt
    if (idleMs <= maxPollIntervalMs || this.#member.generation === null) return
    this.#cluster.logger.warn(
      `no poll for ${Math.round(idleMs)} ms, max.poll.interval.ms is ${maxPollIntervalMs}: leaving group ${groupId}`,
    )
    void this.#member.leave('max.poll.interval.ms has passed without a poll')
  }
}
