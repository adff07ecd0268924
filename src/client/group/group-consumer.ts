import { abortable } from '../../foundation/async/abortable.ts'
import { type TopicPartition, formatTopicPartition } from '../../foundation/topic-partition.ts'
import { errorCodes } from '../../protocol/error-codes.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { otherTopicId } from '../cluster/other-topic-id.ts'
import { type FetchedRecord } from '../consumer/fetched-record.ts'
import { Fetcher } from '../consumer/fetcher.ts'
import type { ResetPolicy } from '../consumer/out-of-range.ts'
import { Subscription, type TopicSelection } from '../consumer/subscription.ts'
import {
  FencedMemberError,
  InstanceFencedError,
  KafkaError,
  MembershipLostError,
  TopicRecreatedError,
  UnknownTopicError,
} from '../errors.ts'
import { TroubleWatch } from '../log-trouble.ts'
import { AssignmentStrategy } from './assignors/assignment-strategy.ts'
import { subscribedTopics } from './assignors/assignor.ts'
import type { ConsumerListener } from './consumer-listener.ts'
import type { GroupConsumerOptions } from './group-consumer-options.ts'
import { GroupMember } from './group-member.ts'
import type { Generation, MemberMetadata } from './group-member-options.ts'
import { commitOffsets, fetchOffsets, type GroupOffset } from './group-offsets.ts'
import { HeldPartitions } from './held-partitions.ts'
import { withTopicIds } from './offset-topic-id.ts'
import { PendingJoin, type Joined } from './pending-join.ts'
import { startPartitions } from './start-partitions.ts'

const defaultMaxPollIntervalMs = 300_000
const pollIntervalChecks = 4
/** The coordinator's name among the places that do not respond. */
const coordinator = 'the coordinator'

/**
 * A consumer in a group. As in Kafka's consumer, `poll` joins the group and calls the listener, so the listener never runs
 * concurrently with the caller. Heartbeats and fetches continue between polls. Offsets are committed only by `commit`.
 *
 * At a rebalance all partitions are revoked before the member joins (the eager protocol). If each of its assignors is
 * cooperative, it keeps them instead, reads and commits while it joins, and revokes only those that the group then assigns to
 * others (KIP-429); they move when it has joined again without them.
 */
export class GroupConsumer {
  readonly #cluster: Cluster
  readonly #options: GroupConsumerOptions
  readonly #fetcher: Fetcher
  readonly #held: HeldPartitions
  readonly #strategy: AssignmentStrategy
  readonly #member: GroupMember
  /** The policy, if it is set and names a position. */
  readonly #resetTo: ResetPolicy | null
  readonly #closing = new AbortController()
  #subscription: Subscription | null = null
  #joining: PendingJoin | null = null
  /** Whether the partitions belong to others, and the next `poll` gives them up. */
  #isLost = false
  /** Monotonic milliseconds of the end of the last poll; null during a poll. */
  #polledAt: number | null
  readonly #stopPollCheck: () => void

  constructor(cluster: Cluster, options: GroupConsumerOptions) {
    this.#cluster = cluster
    this.#options = options
    const trouble = new TroubleWatch(cluster.clock, 'read', (standing) => this.#held.listener?.onTrouble?.(standing))
    const { autoOffsetReset = 'none' } = options
    this.#resetTo = autoOffsetReset === 'none' ? null : autoOffsetReset
    this.#fetcher = new Fetcher(cluster, { ...options, resetTo: this.#resetTo }, trouble)
    this.#held = new HeldPartitions(this.#fetcher, this.#resetTo)
    this.#strategy = new AssignmentStrategy(options.assignors)
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
      protocols: () => {
        const generation = this.#member.generation?.generationId ?? -1
        return this.#strategy.protocols(this.#subscription?.ask() ?? [], this.#held.partitions, generation)
      },
      assign: (protocol, members) => this.#assign(protocol, members),
      keepsWork: this.#strategy.isCooperative,
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
    this.#held.listener = listener
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
    return [...this.#held.partitions]
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
        await this.#held.report(due)
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
    // A generation that began while the member kept other partitions does not fence a commit of those that it gave up.
    const isFenced = generation === null || (this.#strategy.isCooperative && !this.#held.hasAll(offsets))
    if (isFenced) throw new FencedMemberError(errorCodes.UNKNOWN_MEMBER_ID, `a commit of group ${groupId}`)
    try {
      await commitOffsets(this.#cluster, { groupId, member: generation }, withTopicIds(offsets, this.#idsOf(offsets)), {
        signal,
        check: () => this.#checkTopics(offsets),
      })
    } catch (error) {
      if (error instanceof FencedMemberError) {
        if (await this.#keptIn(generation, offsets, signal)) return await this.commit(offsets, signal)
        this.#fenced(error)
      }
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
      const is = otherTopicId(this.#cluster, topic, was)
      if (was !== null && is !== null) throw new TopicRecreatedError(topic, { was, is }, this.#resetTo)
    }
  }

  /** Makes the next `poll` revoke the partitions, and start the new topic where the policy says. */
  #follow({ topic, message }: TopicRecreatedError): void {
    this.#held.recreated(topic)
    this.#member.requestRejoin(message)
  }

  /**
   * Whether a commit was rejected only because the group has begun another generation, in which this member still has the
   * partitions: it keeps them until it joins again. Waits for the join in progress.
   */
  async #keptIn(was: Generation, offsets: readonly GroupOffset[], signal: AbortSignal | undefined): Promise<boolean> {
    if (!this.#strategy.isCooperative) return false
    const joined = this.#joining?.generation.catch(() => null)
    if (joined !== undefined) await abortable(joined, signal)
    const is = this.#member.generation
    const isMember = is !== null && is.memberId === was.memberId && is.generationId > was.generationId
    return isMember && !this.#isLost && this.#held.hasAll(offsets)
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

  /** Withholds the records of partitions until `resume`, or until they are revoked. */
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
    await this.#joining?.settled()
  }

  /**
   * Joins the group if needed, as Kafka's `joinGroupIfNeeded` does. Returns whether records may be read; false if the deadline
   * came first. The phases: revoke partitions of the last generation, join in the background, then adopt the next one. A
   * member that keeps partitions reads them meanwhile.
   */
  async #joinIfNeeded(deadline: number, signal: AbortSignal | undefined): Promise<boolean> {
    while (this.#isLost || this.#joining !== null || this.#member.rejoinReason !== null) {
      await this.#giveUpLost()
      if (this.#joining === null) {
        await this.#prepareJoin(this.#member.rejoinReason ?? '')
        this.#joining = this.#startJoin()
      }
      const join = this.#joining
      if (!join.isSettled && this.#held.partitions.length > 0) return true
      try {
        const joined = await join.before(deadline, this.#cluster.clock, signal)
        if (joined === null) return false
        this.#joining = null
        await this.#adopt(joined, join)
      } catch (error) {
        // Its instance id is another member's, and so are the partitions that it has kept.
        this.#isLost ||= error instanceof InstanceFencedError
        if (this.#joining === null || signal?.aborted !== true) {
          this.#joining = null
          this.#member.requestRejoin('the last join failed')
        }
        if (!(error instanceof MembershipLostError)) throw error
      }
    }
    return true
  }

  async #giveUpLost(): Promise<void> {
    if (!this.#isLost) return
    this.#isLost = false
    if (this.#held.partitions.length === 0) return
    if (this.#joining !== null) this.#joining.isVoid = true
    await this.#held.revokeAll({ lost: true, reason: this.#member.rejoinReason ?? 'the membership was lost' })
  }

  async #prepareJoin(reason: string): Promise<void> {
    const revocation = { lost: false, reason }
    if (!this.#strategy.isCooperative) return await this.#held.revokeAll(revocation)
    const subscription = this.#subscription
    await this.#held.revokeEnded((topic) => subscription?.selects(topic) === false, revocation)
  }

  #startJoin(): PendingJoin {
    return new PendingJoin(
      this.#join(),
      async (generation) => await this.#start(generation),
      () => {
        if (this.#held.partitions.length > 0) this.#fetcher.wake()
      },
    )
  }

  /**
   * Revokes the partitions that the generation gives to others, and assigns those that it adds. If it has ended meanwhile, the
   * next round drops its partitions.
   */
  async #adopt({ partitions, offsets, resets }: Joined, { isVoid }: PendingJoin): Promise<void> {
    if (isVoid) this.#member.requestRejoin('the membership was lost while the member joined')
    if (isVoid || this.#member.generation === null) return
    this.#isLost = false
    const revoked = this.#held.except(partitions)
    if (revoked.length > 0) {
      const reason = 'the group assigns partitions of this member to others'
      this.#member.requestRejoin(reason)
      await this.#held.revoke(revoked, { lost: false, reason })
    }
    await this.#held.report(resets)
    if (this.#member.generation === null) return
    if (offsets.length === 0 && this.#held.partitions.length > 0) return
    await this.#held.assign(offsets)
  }

  /** Joins, and synchronizes with the group. Runs in the background, so it must not call the listener. */
  async #join(): Promise<Generation> {
    const { signal } = this.#closing
    const subscription = this.#subscription
    if (subscription === null) throw new KafkaError('the consumer has no subscription')
    await subscription.load(signal)
    const generation = await this.#member.join(signal)
    if (!generation.isLeader) subscription.forgetGroup()
    subscription.watch()
    return generation
  }

  /** Starts to read the partitions that the generation adds. Runs in the background, too. */
  async #start(generation: Generation): Promise<Joined> {
    const partitions = this.#strategy.assigned(generation)
    const added = partitions.filter((partition) => !this.#held.has(partition))
    const { groupId, autoOffsetReset } = this.#options
    const parts = { cluster: this.#cluster, fetcher: this.#fetcher, groupId, readIds: this.#held.readIds }
    return { partitions, ...(await startPartitions(parts, added, autoOffsetReset, this.#closing.signal)) }
  }

  async #assign(protocol: string, members: readonly MemberMetadata[]): Promise<ReadonlyMap<string, Buffer>> {
    const subscribed = this.#strategy.subscribed(members)
    const topics = subscribedTopics(subscribed)
    const counts =
      (await this.#subscription?.partitionCounts(topics, this.#closing.signal)) ?? new Map<string, number>()
    return this.#strategy.assign(protocol, subscribed, counts)
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
