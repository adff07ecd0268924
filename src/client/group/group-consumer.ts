import { type TopicPartition, formatTopicPartition } from '../../foundation/topic-partition.ts'
import { abortable } from '../../foundation/async/abortable.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { decodeAssignment, decodeSubscription, encodeAssignment, encodeSubscription } from './consumer-protocol.ts'
import { FencedMemberError, KafkaError, TopicRecreatedError, UnknownTopicError } from '../errors.ts'
import { type FetchedRecord } from '../consumer/fetched-record.ts'
import { Fetcher, type FetchOptions } from '../consumer/fetcher.ts'
import type { ResetPolicy } from '../consumer/out-of-range.ts'
import type { PositionReset } from '../consumer/position-reset.ts'
import type { ConsumerListener } from './consumer-listener.ts'
import { GroupMember } from './group-member.ts'
import type { MemberMetadata } from './group-member-options.ts'
import { commitOffsets, fetchOffsets, type GroupOffset } from './group-offsets.ts'
import { withTopicIds } from './offset-topic-id.ts'
import { TroubleWatch } from '../log-trouble.ts'
import { assignRanges, rangeAssignorName } from './range-assignor.ts'
import { startPartitions, type StartedPartitions } from './start-partitions.ts'
import { Subscription, type TopicSelection } from '../consumer/subscription.ts'
import { errorCodes } from '../../protocol/error-codes.ts'

/** How to consume. The names of Kafka's settings are in brackets. */
export interface GroupConsumerOptions extends FetchOptions {
  readonly groupId: string
  /**
   * Where to start in partitions without a committed offset, and where to continue when a position is out of range or the
   * topic was created again (`auto.offset.reset`). By default a consumer starts at the beginning, and fails in the other cases.
   */
  readonly autoOffsetReset?: 'earliest' | 'latest' | 'none'
  /** Identifies a static member (`group.instance.id`). */
  readonly instanceId?: string
  /** `max.poll.records` */
  readonly maxPollRecords?: number
  /** How long the coordinator waits for a heartbeat (`session.timeout.ms`). */
  readonly sessionTimeoutMs?: number
  /** `heartbeat.interval.ms`. */
  readonly heartbeatIntervalMs?: number
  /** Maximum time between two polls, and of a rebalance (`max.poll.interval.ms`). */
  readonly maxPollIntervalMs?: number
  /** How often topics are looked up again (`metadata.max.age.ms`), and so how soon a new matching topic is found. */
  readonly metadataMaxAgeMs?: number
  /** `allow.auto.create.topics`. */
  readonly allowAutoTopicCreation?: boolean
}

const defaultMaxPollIntervalMs = 300_000
const pollIntervalChecks = 4
/** The coordinator's name among the places that do not respond. */
const coordinator = 'the coordinator'

/**
 * A consumer in a group. As in Kafka's consumer, `poll` joins the group and calls the listener, so the listener never runs
 * concurrently with the caller. Heartbeats and fetches continue between polls. At a rebalance all partitions are revoked (the
 * eager protocol, assignor `range`). Offsets are committed only by `commit`.
 */
export class GroupConsumer {
  readonly #cluster: Cluster
  readonly #options: GroupConsumerOptions
  readonly #fetcher: Fetcher
  readonly #member: GroupMember
  /** The policy, if it is set and names a position. */
  readonly #resetTo: ResetPolicy | null
  /** Topics that were created again while they were read, and whose partitions the next `poll` revokes. */
  readonly #recreated = new Set<string>()
  readonly #closing = new AbortController()
  #subscription: Subscription | null = null
  #listener: ConsumerListener | null = null
  #joining: Promise<StartedPartitions> | null = null
  #isLost = false
  /** The partitions between `onAssigned` and `onRevoked`. */
  #assigned: readonly TopicPartition[] = []
  /** Monotonic milliseconds of the end of the last poll; null during a poll. */
  #polledAt: number | null
  readonly #stopPollCheck: () => void

  constructor(cluster: Cluster, options: GroupConsumerOptions) {
    this.#cluster = cluster
    this.#options = options
    const trouble = new TroubleWatch(cluster.clock, 'read', (standing) => this.#listener?.onTrouble?.(standing))
    const { autoOffsetReset = 'none' } = options
    this.#resetTo = autoOffsetReset === 'none' ? null : autoOffsetReset
    this.#fetcher = new Fetcher(cluster, { ...options, resetTo: this.#resetTo }, trouble)
    this.#polledAt = cluster.clock.monotonic()
    const checkMs = Math.ceil((options.maxPollIntervalMs ?? defaultMaxPollIntervalMs) / pollIntervalChecks)
    this.#stopPollCheck = cluster.clock.every(checkMs, () => this.#checkPollInterval())
    this.#member = new GroupMember(cluster, {
      groupId: options.groupId,
      protocolType: 'consumer',
      instanceId: options.instanceId ?? null,
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

  /** The partitions that are assigned to this member. */
  assignment(): TopicPartition[] {
    return this.#fetcher.partitions()
  }

  /** Whether this member assigns the partitions of the group. */
  get isLeader(): boolean {
    return this.#member.generation?.isLeader ?? false
  }

  /**
   * Returns the next records, in order within each partition; waits for the first at most `maxWaitMs`. Joins the group if
   * needed: a join that takes longer continues in the background, and the next `poll` waits for it.
   * @throws OffsetOutOfRangeError, NoOffsetError, TopicRecreatedError, CorruptBatchError, InstanceFencedError, BrokerError,
   * an error of the listener, or the signal's reason.
   */
  async poll(maxWaitMs: number, signal?: AbortSignal): Promise<readonly FetchedRecord[]> {
    const { clock } = this.#cluster
    const deadline = clock.monotonic() + maxWaitMs
    this.#polledAt = null
    try {
      if (!(await this.#joinIfNeeded(deadline, signal))) return []
      for (let due = this.#fetcher.resetPositions(); due.length > 0; due = this.#fetcher.resetPositions())
        await this.#report(due)
      const left = Math.max(0, deadline - clock.monotonic())
      return await this.#fetcher.poll(left, this.#options.maxPollRecords ?? 500, signal)
    } catch (error) {
      if (!(error instanceof TopicRecreatedError && error.isFollowed)) throw error
      this.#follow(error)
      return []
    } finally {
      this.#polledAt = clock.monotonic()
    }
  }

  /**
   * Commits offsets of this member's partitions: each is the offset of the next record to read. If an offset has no metadata,
   * the id of its topic is stored there, so that it is never used for a later topic with the same name.
   * @throws FencedMemberError if the partitions are no longer assigned, UnknownTopicError if a topic was deleted,
   * TopicRecreatedError if it was created again (if it is followed, the others are committed), BrokerError, or the signal's
   * reason.
   */
  async commit(offsets: readonly GroupOffset[], signal?: AbortSignal): Promise<void> {
    const { generation } = this.#member
    const { groupId } = this.#options
    if (generation === null) throw new FencedMemberError(errorCodes.UNKNOWN_MEMBER_ID, `a commit of group ${groupId}`)
    try {
      await commitOffsets(this.#cluster, { groupId, member: generation }, withTopicIds(offsets, this.#idsOf(offsets)), {
        signal,
        check: () => this.#checkTopics(offsets),
      })
    } catch (error) {
      if (error instanceof FencedMemberError) this.#fenced(error)
      if (error instanceof UnknownTopicError) this.#member.requestRejoin(error.message)
      if (error instanceof TopicRecreatedError && error.isFollowed) {
        this.#follow(error)
        const others = offsets.filter(({ topic }) => topic !== error.topic)
        await this.commit(others, signal)
      }
      throw error
    }
  }

  /** The id of the topic whose records `poll` returns; null if the cluster has no topic ids. */
  topicId(topic: string): string | null {
    return this.#fetcher.topicId(topic)
  }

  #idsOf(offsets: readonly TopicPartition[]): ReadonlyMap<string, string | null> {
    return new Map(
      [...new Set(offsets.map(({ topic }) => topic))].map((topic) => [topic, this.#fetcher.topicId(topic)]),
    )
  }

  /** @throws TopicRecreatedError if a topic in the metadata is not the one that was read. */
  #checkTopics(offsets: readonly TopicPartition[]): void {
    for (const [topic, was] of this.#idsOf(offsets)) {
      const is = this.#cluster.metadata.topics.get(topic)?.id ?? null
      if (was !== null && is !== null && was !== is) throw new TopicRecreatedError(topic, { was, is }, this.#resetTo)
    }
  }

  /** Makes the next `poll` revoke the partitions, and start the new topic where the policy says. */
  #follow({ topic, message }: TopicRecreatedError): void {
    this.#recreated.add(topic)
    this.#member.requestRejoin(message)
  }

  async #report(resets: readonly PositionReset[]): Promise<void> {
    for (const reset of resets) await this.#listener?.onReset?.(reset)
  }

  async #reportRecreated(policy: ResetPolicy): Promise<void> {
    for (const partition of this.#fetcher.partitions()) {
      if (!this.#recreated.has(partition.topic)) continue
      const from = this.#fetcher.position(partition) ?? 0
      await this.#report([{ ...partition, reason: 'recreated', policy, from, to: null, logStartOffset: null }])
    }
  }

  /** Makes the next `poll` revoke the partitions before it returns records, without waiting for a heartbeat. */
  #fenced({ code, message }: FencedMemberError): void {
    this.#isLost ||= code !== errorCodes.REBALANCE_IN_PROGRESS
    this.#member.requestRejoin(message)
  }

  /** Returns the group's committed offsets. Partitions without one are omitted. */
  async committed(partitions: readonly TopicPartition[], signal?: AbortSignal): Promise<readonly GroupOffset[]> {
    return fetchOffsets(this.#cluster, this.#options.groupId, partitions, signal)
  }

  /** The offset after the last record (or gap) that `poll` returned; null if the partition is not assigned. */
  position(partition: TopicPartition): number | null {
    return this.#fetcher.position(partition)
  }

  /** The high watermark at the last fetch; null before the first one. */
  highWatermark(partition: TopicPartition): number | null {
    return this.#fetcher.highWatermark(partition)
  }

  /** A sentence about subscribed topics that do not exist; null if all exist, or before the first lookup. */
  missing(): string | null {
    return this.#subscription?.missing() ?? null
  }

  /** Continues reading at `offset`. @throws KafkaError if the partition is not assigned. */
  seek(partition: TopicPartition, offset: number): void {
    if (this.#fetcher.position(partition) === null)
      throw new KafkaError(`cannot seek in ${formatTopicPartition(partition)}: it is not assigned`)
    this.#fetcher.start(partition, offset)
  }

  /** Withholds the records of partitions until `resume` or the next rebalance. */
  pause(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.#fetcher.pause(partition)
  }

  /** Undoes `pause`. */
  resume(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.#fetcher.resume(partition)
  }

  /** Ends the `poll` that is waiting, or else the next one that would wait. */
  wake(): void {
    this.#fetcher.wake()
  }

  /** Leaves the group. Does not call `onRevoked`: flush and commit before. */
  async close(): Promise<void> {
    this.#closing.abort(new KafkaError('the consumer is closed'))
    this.#stopPollCheck()
    this.#subscription?.close()
    this.#fetcher.close()
    await this.#member.leave('the consumer was closed')
    await this.#joining?.catch(() => undefined)
  }

  /**
   * Joins the group if needed, as Kafka's `joinGroupIfNeeded` does. Returns false if the deadline came first. The phases:
   * revoke the partitions of the last generation, join in the background, then assign those of the next one.
   */
  async #joinIfNeeded(deadline: number, signal: AbortSignal | undefined): Promise<boolean> {
    while (this.#joining !== null || this.#member.rejoinReason !== null) {
      if (this.#joining === null) {
        await this.#revokePartitions(this.#member.rejoinReason ?? '')
        this.#startJoin()
      }
      const joined = await this.#joinedBefore(deadline, signal)
      if (joined === null) return false
      await this.#report(joined.resets)
      // If the generation has ended meanwhile, the next round revokes its partitions.
      if (this.#member.generation !== null) await this.#assignPartitions(joined.offsets)
    }
    return true
  }

  async #revokePartitions(reason: string): Promise<void> {
    const assigned = this.#assigned
    const lost = this.#isLost
    this.#assigned = []
    this.#isLost = false
    try {
      if (this.#resetTo !== null) await this.#reportRecreated(this.#resetTo)
      if (assigned.length > 0) await this.#listener?.onRevoked(assigned, { lost, reason })
    } finally {
      this.#recreated.clear()
      for (const partition of this.#fetcher.partitions()) this.#fetcher.remove(partition)
    }
  }

  /** Starts a join, which continues when `poll` returns before its end. */
  #startJoin(): void {
    this.#joining = this.#join()
    // A failure is reported by the `poll` that waits for the join.
    this.#joining.catch(() => undefined)
  }

  /** Returns the result of the join in progress; null if the deadline comes first. */
  async #joinedBefore(deadline: number, signal: AbortSignal | undefined): Promise<StartedPartitions | null> {
    const { clock } = this.#cluster
    const late = Promise.withResolvers<null>()
    const cancel = clock.after(Math.max(0, deadline - clock.monotonic()), () => late.resolve(null))
    try {
      const joined = await abortable(Promise.race([this.#joining, late.promise]), signal)
      if (joined !== null) this.#joining = null
      return joined
    } catch (error) {
      if (signal?.aborted !== true) {
        this.#joining = null
        this.#member.requestRejoin('the last join failed')
      }
      throw error
    } finally {
      cancel()
    }
  }

  /** If `onAssigned` throws, the assignment is dropped, and the next poll rejoins. */
  async #assignPartitions(offsets: readonly GroupOffset[]): Promise<void> {
    try {
      await this.#listener?.onAssigned(offsets)
      this.#assigned = offsets
    } catch (error) {
      this.#member.requestRejoin('onAssigned failed')
      throw error
    }
  }

  /** Joins and looks up the start offsets. Runs in the background, so it must not call the listener. */
  async #join(): Promise<StartedPartitions> {
    const { signal } = this.#closing
    const subscription = this.#subscription
    if (subscription === null) throw new KafkaError('the consumer has no subscription')
    await subscription.load(signal)
    const generation = await this.#member.join(signal)
    if (!generation.isLeader) subscription.forgetGroup()
    subscription.watch()
    const partitions = decodeAssignment(generation.assignment)
    const { groupId, autoOffsetReset } = this.#options
    const parts = { cluster: this.#cluster, fetcher: this.#fetcher, groupId }
    return await startPartitions(parts, partitions, autoOffsetReset, signal)
  }

  async #assign(members: readonly MemberMetadata[]): Promise<ReadonlyMap<string, Buffer>> {
    const subscriptions = new Map(members.map(({ memberId, metadata }) => [memberId, decodeSubscription(metadata)]))
    const topics = [...new Set([...subscriptions.values()].flat())]
    const counts =
      (await this.#subscription?.partitionCounts(topics, this.#closing.signal)) ?? new Map<string, number>()
    const assignments = assignRanges(subscriptions, counts)
    return new Map([...assignments].map(([memberId, partitions]) => [memberId, encodeAssignment(partitions)]))
  }

  /** Leaves the group when the caller has stopped polling, as Kafka's consumer does, so that others get its partitions. */
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
