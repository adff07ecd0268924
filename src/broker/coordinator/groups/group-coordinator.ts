import type { TopicPartition } from '../../../foundation/topic-partition.ts'
import { randomUUID } from 'node:crypto'
import type { Clock } from '../../../foundation/clock.ts'
import type { Conditions } from '../../../foundation/metrics/conditions.ts'
import type { LogStreaks } from '../../../foundation/logging/log-streaks.ts'
import type { Logger } from '../../../foundation/logging/logger.ts'
import { errorCodes } from '../../../protocol/error-codes.ts'
import { CommittedOffsets, type OffsetToCommit } from './committed-offsets.ts'
import type { CoordinatorConfig } from '../coordinator-config.ts'
import {
  encodeGroupKey,
  encodeGroupValue,
  encodeOffsetKey,
  encodeOffsetValue,
  type CommittedOffset,
} from '../coordinator-records.ts'
import { Group, type GroupOwner } from './group.ts'
import { GroupLimits, type Asker } from './group-limits.ts'
import {
  refusedJoin,
  refusedSync,
  type JoinAnswer,
  type JoinRequest,
  type SyncAnswer,
  type SyncRequest,
} from './group-protocol.ts'
import { GroupTimers } from './group-timers.ts'
import type { CoordinatorLog, CoordinatorRecord } from '../offsets-topic.ts'
import { loadGroups, storedForm, tombstone } from './stored-group.ts'

/** Who commits. */
export interface Committer extends Asker {
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly generationId: number
}

/** What the coordinator lives on. */
export interface GroupCoordinatorOptions {
  readonly log: CoordinatorLog
  /** Whether a stored offset is about a topic that was deleted after it was committed. */
  readonly isObsolete: (topic: string, partition: number, offset: number) => boolean
  readonly clock: Clock
  readonly logger: Logger
  /** For what clients cause. */
  readonly streaks: LogStreaks
  readonly conditions: Conditions
  readonly config: CoordinatorConfig
}

/** What became of a commit: the topics of the obsolete ones were deleted while it was written. */
interface Written {
  readonly errorCode: number
  readonly obsolete: readonly TopicPartition[]
}

const { NONE } = errorCodes
/** Of the name of a client, in the id of its member: the whole id has to fit a string of the protocol. */
const maxMemberIdPrefix = 255

/**
 * The groups of the broker and their offsets: the shell around {@link Group}. It keeps the time, and stores what groups and
 * members commit before anybody is told of it (I1). All groups are in memory; the log is read once, at the start.
 */
export class GroupCoordinator implements GroupOwner {
  readonly offsets = new CommittedOffsets()
  readonly #groups = new Map<string, Group>()
  readonly #log: CoordinatorLog
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #config: CoordinatorConfig
  readonly #timers: GroupTimers
  readonly #streaks: LogStreaks
  /** What clients may make it keep. */
  readonly limits: GroupLimits
  readonly #isObsolete: GroupCoordinatorOptions['isObsolete']
  /** Obsolete offsets in the log, by group. */
  readonly #obsolete = new Map<string, TopicPartition[]>()
  /** How often each topic was deleted while this broker ran. */
  readonly #deletions = new Map<string, number>()
  /** Commits that are being written, by group. */
  readonly #commits = new Map<string, Set<Promise<Written>>>()

  private constructor(options: GroupCoordinatorOptions) {
    this.#log = options.log
    this.#isObsolete = options.isObsolete
    this.#clock = options.clock
    this.#logger = options.logger
    this.#config = options.config
    this.#streaks = options.streaks
    this.limits = new GroupLimits({ ...options, offsets: this.offsets })
    this.#timers = new GroupTimers(options.clock, options.logger, (group) => this.#count(group))
  }

  /** Loads groups and offsets. Members of stored groups have a session's time to be heard of. */
  static open(options: GroupCoordinatorOptions): GroupCoordinator {
    const coordinator = new GroupCoordinator(options)
    coordinator.#load()
    return coordinator
  }

  get(groupId: string): Group | undefined {
    return this.#groups.get(groupId)
  }

  all(): Iterable<Group> {
    return this.#groups.values()
  }

  /** @see Group.join — with `newMemberId` of a client that has none yet. */
  join(groupId: string, request: Omit<JoinRequest, 'newMemberId'>, answer: (answer: JoinAnswer) => void): void {
    const refuse = (errorCode: number): void => answer(refusedJoin(errorCode, request.memberId))
    if (groupId === '') return refuse(errorCodes.INVALID_GROUP_ID)
    const { minSessionTimeoutMs, maxSessionTimeoutMs } = this.#config
    if (request.sessionTimeoutMs < minSessionTimeoutMs || request.sessionTimeoutMs > maxSessionTimeoutMs) {
      return refuse(errorCodes.INVALID_SESSION_TIMEOUT)
    }
    const known = this.#groups.get(groupId)
    if (known === undefined && request.memberId !== '') return refuse(errorCodes.UNKNOWN_MEMBER_ID)
    const fault = this.limits.faultOfJoin(groupId, known, request)
    if (fault === errorCodes.GROUP_MAX_SIZE_REACHED) known?.roster.announced.delete(request.memberId)
    if (fault !== NONE) return refuse(fault)
    const group = known ?? this.#add(new Group(groupId, this, this.#config.initialRebalanceDelayMs, this.#clock.now()))
    const newMemberId = `${(request.groupInstanceId ?? request.clientId).slice(0, maxMemberIdPrefix)}-${randomUUID()}`
    return this.#changed(group, (nowMs) => group.join({ ...request, newMemberId }, nowMs, answer))
  }

  /** @see Group.sync */
  sync(groupId: string, request: SyncRequest & Asker, answer: (answer: SyncAnswer) => void): void {
    if (groupId === '') return answer(refusedSync(errorCodes.INVALID_GROUP_ID))
    const group = this.#groups.get(groupId)
    if (group === undefined) return answer(refusedSync(errorCodes.UNKNOWN_MEMBER_ID))
    // Members that bring no assignments change nothing that is counted: counting takes as long as the group is large.
    if (request.assignments.length === 0) return this.#within(group, (nowMs) => group.sync(request, nowMs, answer))
    const fault = this.limits.faultOfSync(group, request.assignments, request)
    if (fault !== NONE) return answer(refusedSync(fault))
    return this.#changed(group, (nowMs) => group.sync(request, nowMs, answer))
  }

  /** @see Group.heartbeat */
  heartbeat(groupId: string, memberId: string, groupInstanceId: string | null, generationId: number): number {
    if (groupId === '') return errorCodes.INVALID_GROUP_ID
    const group = this.#groups.get(groupId)
    if (group === undefined) return errorCodes.UNKNOWN_MEMBER_ID
    return this.#within(group, (nowMs) => group.heartbeat(memberId, groupInstanceId, generationId, nowMs))
  }

  /** Members leave together. The answers are error codes, in their order. @see Group.leave */
  leave(groupId: string, members: readonly Pick<Committer, 'memberId' | 'groupInstanceId'>[]): number[] {
    const group = this.#groups.get(groupId)
    if (group === undefined) return members.map(() => errorCodes.UNKNOWN_MEMBER_ID)
    return this.#changed(group, (nowMs) =>
      members.map(({ memberId, groupInstanceId }) => group.leave(memberId, groupInstanceId, nowMs)),
    )
  }

  /** Commits offsets, all of them or none; durable when it answers. The answer is an error code. */
  async commit(groupId: string, committer: Committer, offsets: readonly OffsetToCommit[]): Promise<number> {
    const known = this.#groups.get(groupId)
    if (known === undefined && committer.generationId >= 0) return errorCodes.ILLEGAL_GENERATION
    const giveBack = this.limits.takeForCommit(groupId, known === undefined, offsets, committer)
    if (giveBack === null) return errorCodes.COORDINATOR_NOT_AVAILABLE
    try {
      return await this.#commit(groupId, known, committer, offsets)
    } finally {
      giveBack()
    }
  }

  async #commit(
    groupId: string,
    known: Group | undefined,
    { memberId, groupInstanceId, generationId }: Committer,
    offsets: readonly OffsetToCommit[],
  ): Promise<number> {
    const group = known ?? this.#add(new Group(groupId, this, this.#config.initialRebalanceDelayMs, this.#clock.now()))
    const fault = this.#within(group, (nowMs) => group.checkCommit(memberId, groupInstanceId, generationId, nowMs))
    if (fault !== NONE) return fault
    const commitTimestampMs = this.#clock.now()
    const entries = offsets.map(({ topic, partition, offset, leaderEpoch, metadata }) => ({
      topic,
      partition,
      committed: { offset, leaderEpoch, metadata, commitTimestampMs },
    }))
    const write = this.#write(groupId, entries)
    const { errorCode, obsolete } = await this.#tracked(groupId, write)
    if (obsolete.length > 0) await this.#bury(groupId, obsolete)
    return errorCode
  }

  /** Deletes a group without members, offsets included. The answer is an error code. */
  async delete(groupId: string): Promise<number> {
    const group = this.#groups.get(groupId)
    if (group === undefined) return errorCodes.GROUP_ID_NOT_FOUND
    if (!isUnused(group)) return errorCodes.NON_EMPTY_GROUP
    return this.#forget(
      group,
      this.offsets.select(groupId, () => true),
    )
  }

  /** Deletes committed offsets; durable when it answers. The answer is an error code. */
  async deleteOffsets(groupId: string, partitions: readonly TopicPartition[]): Promise<number> {
    const failure = await this.#append(groupId, () =>
      partitions.map(({ topic, partition }) => tombstone(encodeOffsetKey(groupId, topic, partition))),
    )
    if (failure !== NONE) return failure
    for (const { topic, partition } of partitions) this.offsets.remove(groupId, topic, partition)
    await this.#forgetIfUseless(groupId)
    return NONE
  }

  /**
   * Forgets what was committed for a topic that is gone: at once in memory, so that a topic of the same name never gets it.
   * Resolves with whether it is gone from the log, too; null when there was nothing.
   */
  forgetTopic(topic: string): Promise<boolean> | null {
    this.#deletions.set(topic, (this.#deletions.get(topic) ?? 0) + 1)
    const gone = new Map<string, readonly TopicPartition[]>()
    for (const groupId of this.offsets.groups()) {
      const partitions = this.offsets.select(groupId, (name) => name === topic)
      if (partitions.length > 0) gone.set(groupId, partitions)
      for (const { partition } of partitions) this.offsets.remove(groupId, topic, partition)
    }
    return gone.size === 0 ? null : this.#buryAll(gone)
  }

  /** Writes tombstones of the obsolete offsets that were found when the log was read. Resolves with whether all are written. */
  buryObsolete(): Promise<boolean> {
    return this.#buryAll(this.#obsolete)
  }

  /** Forgets offsets of groups that have been empty for the retention time, and empty groups without offsets. */
  async expire(): Promise<void> {
    const nowMs = this.#clock.now()
    const before = nowMs - this.#config.offsetsRetentionMs
    for (const group of this.#groups.values()) {
      const emptyForMs = nowMs - group.stateTimestampMs
      if (!isUnused(group) || emptyForMs < this.#config.offsetsRetentionCheckMs) continue
      const isOld = group.stateTimestampMs <= before
      const expired = this.offsets.select(group.id, (_, { commitTimestampMs }) => isOld && commitTimestampMs <= before)
      const count = this.offsets.select(group.id, () => true).length
      if (expired.length === count) await this.#forget(group, expired)
      else if (expired.length > 0) await this.deleteOffsets(group.id, expired)
    }
  }

  /** Ends all timers. Parked requests end with their connections. */
  close(): void {
    this.#timers.close()
    this.limits.close()
  }

  /** @see GroupOwner.store */
  store(
    group: Group,
    assignments: ReadonlyMap<string, Buffer>,
    stored: (errorCode: number, nowMs: number) => void,
  ): void {
    group.stateTimestampMs = this.#clock.now()
    const stands = storedForm(group, assignments)
    const written = this.#append(group.id, () => [{ key: encodeGroupKey(group.id), value: encodeGroupValue(stands) }])
    written
      .then((errorCode) => this.#changed(group, (nowMs) => stored(errorCode, nowMs)))
      .catch((error: unknown) => this.#logger.error('a group failed', { group: group.id, error: String(error) }))
  }

  #add(group: Group): Group {
    this.#groups.set(group.id, group)
    this.limits.count(group)
    return group
  }

  /** What may change who is in a group, or what its members say, goes through here. */
  #changed<T>(group: Group, action: (nowMs: number) => T): T {
    const result = this.#within(group, action)
    this.#count(group)
    return result
  }

  #count(group: Group): void {
    if (this.#groups.get(group.id) === group) this.limits.count(group)
  }

  /** Everything that touches a group goes through here: it sees the time, and the timer follows its next deadline. */
  #within<T>(group: Group, action: (nowMs: number) => T): T {
    const result = action(this.#clock.monotonic())
    this.#timers.follow(group)
    return result
  }

  /** Whoever commits or joins is told to look for the coordinator again, and so tries again, while the disk refuses. */
  async #append(groupId: string, records: () => readonly CoordinatorRecord[]): Promise<number> {
    try {
      await this.#log.append(groupId, records())
      return NONE
    } catch (error) {
      const fields = { group: groupId, cause: String(error) }
      // Whose doing it is does not matter: a full disk is nobody's.
      this.#streaks.log(
        'error',
        { kind: 'group state', client: '' },
        'the state of a group could not be stored',
        fields,
      )
      return errorCodes.COORDINATOR_NOT_AVAILABLE
    }
  }

  async #forget(group: Group, offsets: readonly TopicPartition[]): Promise<number> {
    const failure = await this.#append(group.id, () => {
      const keys = offsets.map(({ topic, partition }) => encodeOffsetKey(group.id, topic, partition))
      return [...keys, encodeGroupKey(group.id)].map(tombstone)
    })
    if (failure !== NONE) return failure
    for (const { topic, partition } of offsets) this.offsets.remove(group.id, topic, partition)
    // Somebody may have joined while the tombstones were written; what they then store comes after them.
    if (!isUnused(group) || this.offsets.has(group.id)) return NONE
    this.#groups.delete(group.id)
    this.limits.forget(group)
    return NONE
  }

  async #buryAll(gone: ReadonlyMap<string, readonly TopicPartition[]>): Promise<boolean> {
    const written = await Promise.all([...gone].map(([groupId, partitions]) => this.#bury(groupId, partitions)))
    return !written.includes(false)
  }

  /** Writes tombstones of offsets that are not in memory, but for those that are committed again meanwhile. */
  async #bury(groupId: string, partitions: readonly TopicPartition[]): Promise<boolean> {
    for (let writes = this.#commits.get(groupId); writes !== undefined; writes = this.#commits.get(groupId))
      await Promise.allSettled(writes)
    // A commit that begins after this look stands behind the tombstones.
    const gone = partitions.filter(({ topic, partition }) => this.offsets.get(groupId, topic, partition) === undefined)
    const failure = await this.#append(groupId, () =>
      gone.map(({ topic, partition }) => tombstone(encodeOffsetKey(groupId, topic, partition))),
    )
    if (failure !== NONE) return false
    await this.#forgetIfUseless(groupId)
    return true
  }

  /** A group without members goes with its last offset, as in Kafka. When that cannot be stored, {@link expire} does it. */
  async #forgetIfUseless(groupId: string): Promise<void> {
    const group = this.#groups.get(groupId)
    if (group !== undefined && isUnused(group) && !this.offsets.has(groupId)) await this.#forget(group, [])
  }

  /** Stores offsets, then puts them into memory, but for those of topics that were deleted meanwhile. */
  async #write(
    groupId: string,
    entries: readonly (TopicPartition & { readonly committed: CommittedOffset })[],
  ): Promise<Written> {
    const deletions = entries.map(({ topic }) => this.#deletions.get(topic))
    const errorCode = await this.#append(groupId, () =>
      entries.map(({ topic, partition, committed }) => ({
        key: encodeOffsetKey(groupId, topic, partition),
        value: encodeOffsetValue(committed),
      })),
    )
    if (errorCode !== NONE) return { errorCode, obsolete: [] }
    const obsolete: TopicPartition[] = []
    for (const [place, entry] of entries.entries()) {
      const { topic, partition, committed } = entry
      if (this.#deletions.get(topic) !== deletions[place]) obsolete.push(entry)
      else this.offsets.set(groupId, topic, partition, committed)
    }
    return { errorCode, obsolete }
  }

  async #tracked(groupId: string, write: Promise<Written>): Promise<Written> {
    const writes = this.#commits.get(groupId) ?? new Set()
    this.#commits.set(groupId, writes.add(write))
    try {
      return await write
    } finally {
      writes.delete(write)
      if (writes.size === 0) this.#commits.delete(groupId)
    }
  }

  #load(): void {
    const groups = loadGroups(this.#log, this.#isObsolete, { offsets: this.offsets, obsolete: this.#obsolete })
    const { initialRebalanceDelayMs: gatherMs, forgetsMembersAtStart } = this.#config
    const nowMs = this.#clock.monotonic()
    for (const [id, stored] of groups) {
      const kept = forgetsMembersAtStart ? { ...stored, leaderId: null, members: [] } : stored
      this.#add(Group.restore(id, this, gatherMs, kept, nowMs))
    }
    for (const id of this.offsets.groups()) {
      if (!this.#groups.has(id)) this.#add(new Group(id, this, gatherMs, this.#clock.now()))
    }
    for (const group of this.#groups.values()) this.#timers.follow(group)
  }
}

/** Nobody is in it, or about to be. */
function isUnused(group: Group): boolean {
  return group.state === 'Empty' && group.roster.announced.size === 0
}
