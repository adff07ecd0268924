import { randomUUID } from 'node:crypto'
import type { Clock } from '../../../foundation/clock.ts'
import type { Conditions } from '../../../foundation/metrics/conditions.ts'
import type { LogStreaks } from '../../../foundation/logging/log-streaks.ts'
import type { Logger } from '../../../foundation/logging/logger.ts'
import type { TopicPartition } from '../../../foundation/topic-partition.ts'
import { errorCodes } from '../../../protocol/error-codes.ts'
import { CommittedOffsets, type OffsetToCommit } from '../offsets/committed-offsets.ts'
import { GroupRecordWriter } from '../offsets/group-record-writer.ts'
import { OffsetStore } from '../offsets/offset-store.ts'
import type { CoordinatorConfig } from '../coordinator-config.ts'
import { encodeGroupKey, encodeGroupValue, groupTombstone, offsetTombstones } from '../coordinator-records.ts'
import type { GroupWrite } from './group-lifecycle.ts'
import { Group } from './group.ts'
import { GroupLimits, type Asker } from './group-limits.ts'
import {
  refusedJoin,
  refusedSync,
  type JoinResponse,
  type JoinRequest,
  type SyncResponse,
  type SyncRequest,
} from './group-protocol.ts'
import { GroupTimers } from './group-timers.ts'
import type { CoordinatorLog } from '../offsets/offsets-topic.ts'
import { loadGroups, storedForm } from './stored-group.ts'

/** The client that commits. */
export interface Committer extends Asker {
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly generationId: number
}

/** What the coordinator needs. */
export interface GroupCoordinatorOptions {
  readonly log: CoordinatorLog
  /** Whether the topic of a stored offset was deleted after the offset was committed. */
  readonly isObsolete: (topic: string, partition: number, offset: number) => boolean
  readonly clock: Clock
  readonly logger: Logger
  /** For log lines that clients cause. */
  readonly streaks: LogStreaks
  readonly conditions: Conditions
  readonly config: CoordinatorConfig
}

const { NONE } = errorCodes
/** Characters of the client id in a member id: the whole id has to fit into a string of the protocol. */
const maxMemberIdPrefix = 255

/**
 * Coordinates the groups of the broker: the shell around {@link Group}, with clock and disk. Changes of groups and committed
 * offsets are durable before a client is told of them (I1). All groups are in memory; the offsets topic is read once, at the
 * start.
 */
export class GroupCoordinator {
  readonly offsets = new CommittedOffsets()
  readonly #groups = new Map<string, Group>()
  /** Committed offsets on disk; {@link offsets} are those in memory. */
  readonly offsetStore: OffsetStore
  readonly #writer: GroupRecordWriter
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #config: CoordinatorConfig
  readonly #timers: GroupTimers
  /** The limits for what clients make the coordinator keep. */
  readonly limits: GroupLimits
  /** Obsolete offsets in the offsets topic, by group. */
  readonly #obsolete = new Map<string, TopicPartition[]>()

  private constructor(options: GroupCoordinatorOptions) {
    this.#clock = options.clock
    this.#logger = options.logger
    this.#config = options.config
    this.#writer = new GroupRecordWriter(options.log, options.streaks)
    this.offsetStore = new OffsetStore({
      writer: this.#writer,
      offsets: this.offsets,
      clock: options.clock,
      onRemoved: (groupId) => this.#deleteIfUnused(groupId),
    })
    this.limits = new GroupLimits({ ...options, offsets: this.offsets })
    this.#timers = new GroupTimers(options.clock, options.logger, (group) => this.#settle(group))
  }

  /** Loads groups and offsets. Members of stored groups have one session timeout to send a heartbeat. */
  static open(options: GroupCoordinatorOptions): GroupCoordinator {
    const coordinator = new GroupCoordinator(options)
    coordinator.#load(options)
    return coordinator
  }

  get(groupId: string): Group | undefined {
    return this.#groups.get(groupId)
  }

  all(): Iterable<Group> {
    return this.#groups.values()
  }

  /** @see Group.join; a client without a member id gets one here. */
  join(groupId: string, request: Omit<JoinRequest, 'newMemberId'>, respond: (response: JoinResponse) => void): void {
    const refuse = (errorCode: number): void => respond(refusedJoin(errorCode, request.memberId))
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
    const group = known ?? this.#create(groupId)
    const newMemberId = `${(request.groupInstanceId ?? request.clientId).slice(0, maxMemberIdPrefix)}-${randomUUID()}`
    return this.#changed(group, (nowMs) => group.join({ ...request, newMemberId }, nowMs, respond))
  }

  /** @see Group.sync */
  sync(groupId: string, request: SyncRequest & Asker, respond: (response: SyncResponse) => void): void {
    if (groupId === '') return respond(refusedSync(errorCodes.INVALID_GROUP_ID))
    const group = this.#groups.get(groupId)
    if (group === undefined) return respond(refusedSync(errorCodes.UNKNOWN_MEMBER_ID))
    // A follower brings no assignments and changes nothing that is counted. Counting takes time in proportion to the group.
    if (request.assignments.length === 0) return this.#within(group, (nowMs) => group.sync(request, nowMs, respond))
    const fault = this.limits.faultOfSync(group, request.assignments, request)
    if (fault !== NONE) return respond(refusedSync(fault))
    return this.#changed(group, (nowMs) => group.sync(request, nowMs, respond))
  }

  /** @see Group.heartbeat */
  heartbeat(groupId: string, memberId: string, groupInstanceId: string | null, generationId: number): number {
    if (groupId === '') return errorCodes.INVALID_GROUP_ID
    const group = this.#groups.get(groupId)
    if (group === undefined) return errorCodes.UNKNOWN_MEMBER_ID
    return this.#within(group, (nowMs) => group.heartbeat(memberId, groupInstanceId, generationId, nowMs))
  }

  /** Several members leave. Returns an error code for each, in their order. @see Group.leave */
  leave(groupId: string, members: readonly Pick<Committer, 'memberId' | 'groupInstanceId'>[]): number[] {
    const group = this.#groups.get(groupId)
    if (group === undefined) return members.map(() => errorCodes.UNKNOWN_MEMBER_ID)
    return this.#changed(group, (nowMs) =>
      members.map(({ memberId, groupInstanceId }) => group.leave(memberId, groupInstanceId, nowMs)),
    )
  }

  /** Commits all offsets or none. Returns an error code once they are durable (I1). */
  async commit(groupId: string, committer: Committer, offsets: readonly OffsetToCommit[]): Promise<number> {
    const known = this.#groups.get(groupId)
    if (known === undefined && committer.generationId >= 0) return errorCodes.ILLEGAL_GENERATION
    const release = this.limits.takeForCommit(groupId, known === undefined, offsets, committer)
    if (release === null) return errorCodes.COORDINATOR_NOT_AVAILABLE
    try {
      const { memberId, groupInstanceId, generationId } = committer
      const group = known ?? this.#create(groupId)
      const fault = this.#within(group, (nowMs) => group.checkCommit(memberId, groupInstanceId, generationId, nowMs))
      return fault === NONE ? await this.offsetStore.commit(groupId, offsets) : fault
    } finally {
      release()
    }
  }

  /** Deletes a group without members, and its offsets. Returns an error code once that is durable. */
  async delete(groupId: string): Promise<number> {
    const group = this.#groups.get(groupId)
    if (group === undefined) return errorCodes.GROUP_ID_NOT_FOUND
    if (!isUnused(group)) return errorCodes.NON_EMPTY_GROUP
    return this.#delete(
      group,
      this.offsets.select(groupId, () => true),
    )
  }

  /** Writes tombstones for the obsolete offsets that were found at the start. Returns whether all were written. */
  buryObsolete(): Promise<boolean> {
    return this.offsetStore.bury(this.#obsolete)
  }

  /** Deletes the offsets of groups that have been empty for the retention time, and empty groups without offsets. */
  async expire(): Promise<void> {
    const nowMs = this.#clock.now()
    const before = nowMs - this.#config.offsetsRetentionMs
    for (const group of this.#groups.values()) {
      const emptyForMs = nowMs - group.stateTimestampMs
      if (!isUnused(group) || emptyForMs < this.#config.offsetsRetentionCheckMs) continue
      const isOld = group.stateTimestampMs <= before
      const expired = this.offsets.select(group.id, (_, { commitTimestampMs }) => isOld && commitTimestampMs <= before)
      const count = this.offsets.select(group.id, () => true).length
      if (expired.length === count) await this.#delete(group, expired)
      else if (expired.length > 0) await this.offsetStore.delete(group.id, expired)
    }
  }

  /** Stops all timers. Parked requests end with their connections. */
  close(): void {
    this.#timers.close()
    this.limits.close()
  }

  #create(groupId: string): Group {
    return this.#add(new Group(groupId, this.#config.initialRebalanceDelayMs, this.#clock.now()))
  }

  #add(group: Group): Group {
    this.#groups.set(group.id, group)
    this.limits.count(group)
    return group
  }

  /** Runs an action that may change who is in a group, or what its members sent: such a change is counted. */
  #changed<T>(group: Group, action: (nowMs: number) => T): T {
    const result = this.#within(group, action)
    this.#count(group)
    return result
  }

  /** Runs an action on a group. Nothing else touches a group: it gets the time, its writes are stored, its timer is armed. */
  #within<T>(group: Group, action: (nowMs: number) => T): T {
    const result = action(this.#clock.monotonic())
    this.#storeWrites(group)
    this.#timers.follow(group)
    return result
  }

  /** After a timer changed a group. */
  #settle(group: Group): void {
    this.#storeWrites(group)
    this.#count(group)
  }

  #count(group: Group): void {
    if (this.#groups.get(group.id) === group) this.limits.count(group)
  }

  #storeWrites(group: Group): void {
    for (const write of group.takeWrites())
      this.#store(group, write).catch((error: unknown) =>
        this.#logger.error('a group failed', { group: group.id, error: String(error) }),
      )
  }

  /** Stores a change of a group, before its members are told of it (I1). */
  async #store(group: Group, write: GroupWrite): Promise<void> {
    group.stateTimestampMs = this.#clock.now()
    const value = storedForm(group, write.assignments)
    const errorCode = await this.#writer.append(group.id, () => [
      { key: encodeGroupKey(group.id), value: encodeGroupValue(value) },
    ])
    this.#changed(group, (nowMs) => group.stored(write, errorCode, nowMs))
  }

  async #delete(group: Group, offsets: readonly TopicPartition[]): Promise<number> {
    const failure = await this.#writer.append(group.id, () => [
      ...offsetTombstones(group.id, offsets),
      groupTombstone(group.id),
    ])
    if (failure !== NONE) return failure
    for (const { topic, partition } of offsets) this.offsets.remove(group.id, topic, partition)
    // A member may have joined while the tombstones were written. What it stores comes after them.
    if (!isUnused(group) || this.offsets.has(group.id)) return NONE
    this.#groups.delete(group.id)
    this.limits.forget(group)
    return NONE
  }

  /** Deletes a group that has neither members nor offsets, as Kafka does. If that fails, {@link expire} tries again. */
  async #deleteIfUnused(groupId: string): Promise<void> {
    const group = this.#groups.get(groupId)
    if (group !== undefined && isUnused(group) && !this.offsets.has(groupId)) await this.#delete(group, [])
  }

  #load({ log, isObsolete }: GroupCoordinatorOptions): void {
    const groups = loadGroups(log, isObsolete, { offsets: this.offsets, obsolete: this.#obsolete })
    const { initialRebalanceDelayMs: gatherMs, forgetsMembersAtStart } = this.#config
    const nowMs = this.#clock.monotonic()
    for (const [id, stored] of groups) {
      const kept = forgetsMembersAtStart ? { ...stored, leaderId: null, members: [] } : stored
      this.#add(Group.restore(id, gatherMs, kept, nowMs))
    }
    for (const id of this.offsets.groups()) {
      if (!this.#groups.has(id)) this.#create(id)
    }
    for (const group of this.#groups.values()) this.#timers.follow(group)
  }
}

/** Whether a group has no members, and no client that is about to become one. */
function isUnused(group: Group): boolean {
  return group.state === 'Empty' && group.roster.announced.size === 0
}
