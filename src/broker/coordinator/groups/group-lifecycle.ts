import { errorCodes } from '../../../protocol/error-codes.ts'
import type { GroupMember } from './group-member.ts'
import { refusedJoin, refusedSync, type JoinResponse, type StoredGroup, type SyncResponse } from './group-protocol.ts'
import { GroupRoster } from './group-roster.ts'
import { checkTransition, type GroupState } from './group-state.ts'

/** A static member that came back under a new id, and takes over what its former instance was assigned. */
export interface Replacement {
  readonly member: GroupMember
  readonly formerLeaderId: string | null
  /** Whether the response can tell a leader to skip the assignment (JoinGroup v9). */
  readonly canSkipAssignment: boolean
  readonly respond: (response: JoinResponse) => void
}

/** A change of a group that has to be durable before its members are told of it (I1). */
export type GroupWrite = { readonly assignments: ReadonlyMap<string, Buffer> } & (
  | { readonly reason: 'empty' }
  | { readonly reason: 'assigned'; readonly generationId: number }
  | { readonly reason: 'replaced'; readonly replacement: Replacement }
)

const noBytes = Buffer.alloc(0)
const { NONE, REBALANCE_IN_PROGRESS, UNKNOWN_MEMBER_ID } = errorCodes

/**
 * The states and generations of one group: what starts and ends a rebalance, and what has to be stored. The requests of its
 * members are in {@link Group}. It has no clock and no disk: every call carries the time (monotonic milliseconds); the owner takes
 * the writes, and reports when they are stored.
 */
export abstract class GroupLifecycle {
  readonly roster = new GroupRoster()
  readonly #gatherMs: number
  /** Members that sent no SyncGroup in this generation. */
  readonly #unsynced = new Set<string>()
  #writes: GroupWrite[] = []
  #state: GroupState = 'Empty'
  #generationId = 0
  #protocolName: string | null = null
  #protocolType: string | null = null
  /** When the members that have not joined, or not synced, are removed. */
  #rebalanceEndsMs = Number.POSITIVE_INFINITY
  /** The first rebalance of a group does not end before. */
  #gatherUntilMs = 0

  /** @param gatherMs how long the first rebalance waits for more members (`group.initial.rebalance.delay.ms`). */
  protected constructor(gatherMs: number) {
    this.#gatherMs = gatherMs
  }

  get state(): GroupState {
    return this.#state
  }

  get generationId(): number {
    return this.#generationId
  }

  /** Null before the first member. */
  get protocolType(): string | null {
    return this.#protocolType
  }

  /** The assignment protocol that the members chose; null while there is none. */
  get protocolName(): string | null {
    return this.#protocolName
  }

  /** Continues from a stored group, whose members are in the roster. */
  protected continueFrom(stored: StoredGroup): void {
    this.#generationId = stored.generationId
    this.#protocolType = stored.protocolType
    this.#protocolName = stored.protocolName
    this.roster.leaderId = stored.leaderId
    if (!this.roster.isEmpty) this.#state = 'Stable'
  }

  /** The next time {@link passTime} has something to do; infinity when it has not. */
  nextDeadlineMs(): number {
    let next = this.#rebalanceEndsMs
    if (this.#state === 'PreparingRebalance' && this.roster.allJoined()) next = Math.min(next, this.#gatherUntilMs)
    for (const endsMs of this.roster.announced.values()) next = Math.min(next, endsMs)
    for (const member of this.roster.all()) if (!member.isWaiting) next = Math.min(next, member.sessionEndsMs)
    return next
  }

  /** Ends the sessions and rebalances whose timeout has passed. */
  passTime(nowMs: number): void {
    for (const [memberId, endsMs] of this.roster.announced) if (endsMs <= nowMs) this.roster.announced.delete(memberId)
    this.remove(
      this.roster.all().filter((member) => !member.isWaiting && member.sessionEndsMs <= nowMs),
      nowMs,
    )
    if (this.#rebalanceEndsMs <= nowMs) this.#endRebalance(nowMs)
    this.completeIfAllJoined(nowMs)
  }

  /** Gives every member `ms` more: the broker itself did not run for so long. */
  extendDeadlines(ms: number): void {
    for (const member of this.roster.all()) member.sessionEndsMs += ms
    this.#rebalanceEndsMs += ms
    for (const [memberId, endsMs] of this.roster.announced) this.roster.announced.set(memberId, endsMs + ms)
  }

  /** Takes in a new member, which takes a rebalance. The first one is the leader, until a rebalance elects another. */
  protected admit(member: GroupMember, protocolType: string, nowMs: number): void {
    this.#protocolType = protocolType
    this.roster.add(member)
    this.roster.leaderId ??= member.id
    this.rebalance(nowMs)
  }

  /** Starts a rebalance, or continues the one in progress. */
  protected rebalance(nowMs: number): void {
    if (this.#state !== 'PreparingRebalance') {
      const delayMs = this.#state === 'Empty' ? this.#gatherMs : 0
      this.#gatherUntilMs = nowMs + delayMs
      this.#refuseSyncs(REBALANCE_IN_PROGRESS)
      this.#unsynced.clear()
      this.#enter('PreparingRebalance')
      this.#rebalanceEndsMs = nowMs + this.roster.rebalanceTimeoutMs()
    } else if (this.#gatherUntilMs > nowMs) {
      this.#gatherUntilMs = Math.min(nowMs + this.#gatherMs, this.#rebalanceEndsMs)
    }
    this.completeIfAllJoined(nowMs)
  }

  protected completeIfAllJoined(nowMs: number): void {
    if (this.#state === 'PreparingRebalance' && this.#gatherUntilMs <= nowMs && this.roster.allJoined())
      this.#complete(nowMs)
  }

  /** Removes members. The others share their work, which takes a rebalance unless one is in progress. */
  protected remove(members: readonly GroupMember[], nowMs: number): void {
    if (members.length === 0) return
    for (const member of members) this.#dismiss(member)
    if (this.#state === 'Stable' || this.#state === 'CompletingRebalance') this.rebalance(nowMs)
    else this.completeIfAllJoined(nowMs)
  }

  /** Notes that a member sent its SyncGroup, or is not expected to. */
  protected synced(memberId: string): void {
    this.#unsynced.delete(memberId)
  }

  /** The leader brought the assignments of a generation. Members that it left out get no bytes. */
  protected assign(assignments: ReadonlyMap<string, Buffer>): void {
    const complete = new Map([...this.roster.members.keys()].map((id) => [id, assignments.get(id) ?? noBytes]))
    this.#writes.push({ reason: 'assigned', assignments: complete, generationId: this.#generationId })
  }

  /** A static member takes over what its former instance was assigned. */
  protected replaced(replacement: Replacement): void {
    this.#writes.push({ reason: 'replaced', assignments: this.roster.assignments(), replacement })
  }

  /** Takes the changes that the owner has to store, each of which it then reports to {@link stored}. */
  takeWrites(): readonly GroupWrite[] {
    if (this.#writes.length === 0) return this.#writes
    const writes = this.#writes
    this.#writes = []
    return writes
  }

  /** A change is durable, or with an error code could not be stored. */
  stored(write: GroupWrite, errorCode: number, nowMs: number): void {
    switch (write.reason) {
      case 'empty':
        return
      case 'replaced':
        return this.#replacementStored(write.replacement, errorCode)
      case 'assigned': {
        const isCurrent = this.#state === 'CompletingRebalance' && write.generationId === this.#generationId
        if (isCurrent) this.#assignmentsStored(write.assignments, errorCode, nowMs)
      }
    }
  }

  /** The response to a JoinGroup of this generation. */
  protected joinResponse(member: GroupMember): JoinResponse {
    return {
      errorCode: NONE,
      generationId: this.#generationId,
      protocolType: this.#protocolType,
      protocolName: this.#protocolName,
      leader: this.roster.leaderId ?? '',
      skipAssignment: false,
      memberId: member.id,
      members: member.id === this.roster.leaderId ? this.roster.views(this.#protocolName) : [],
    }
  }

  /** The response to a SyncGroup of this generation. */
  protected syncResponse(member: GroupMember): SyncResponse {
    return {
      errorCode: NONE,
      protocolType: this.#protocolType,
      protocolName: this.#protocolName,
      assignment: member.assignment,
    }
  }

  /** The timeout of the rebalance has passed: members that did not join, or did not sync, are removed. */
  #endRebalance(nowMs: number): void {
    if (this.#state === 'CompletingRebalance') {
      this.#rebalanceEndsMs = Number.POSITIVE_INFINITY
      return this.remove(
        this.roster.all().filter((member) => this.#unsynced.has(member.id)),
        nowMs,
      )
    }
    for (const member of this.roster.all()) if (member.joining === null && !member.isStatic) this.#dismiss(member)
    const hasJoined = this.roster.all().some((member) => member.joining !== null)
    if (hasJoined || this.roster.isEmpty) return this.#complete(nowMs)
    this.#rebalanceEndsMs = nowMs + this.roster.rebalanceTimeoutMs()
  }

  /** Starts the next generation with the members that joined. */
  #complete(nowMs: number): void {
    this.#generationId += 1
    if (this.roster.isEmpty) return this.#becomeEmpty()
    this.roster.electJoinedLeader()
    this.#protocolName = this.roster.vote()
    this.#enter('CompletingRebalance')
    this.#rebalanceEndsMs = nowMs + this.roster.rebalanceTimeoutMs()
    for (const member of this.roster.all()) this.#unsynced.add(member.id)
    for (const member of this.roster.all()) {
      member.touch(nowMs)
      member.respondJoin(this.joinResponse(member))
    }
  }

  #becomeEmpty(): void {
    this.#protocolName = null
    this.roster.leaderId = null
    this.#enter('Empty')
    this.#writes.push({ reason: 'empty', assignments: new Map() })
  }

  #assignmentsStored(assignments: ReadonlyMap<string, Buffer>, errorCode: number, nowMs: number): void {
    if (errorCode !== NONE) {
      this.#refuseSyncs(errorCode)
      this.rebalance(nowMs)
      return
    }
    this.#enter('Stable')
    for (const member of this.roster.all()) {
      member.assignment = assignments.get(member.id) ?? noBytes
      if (member.syncing !== null) member.touch(nowMs)
      member.respondSync(this.syncResponse(member))
    }
  }

  #replacementStored({ member, formerLeaderId, canSkipAssignment, respond }: Replacement, errorCode: number): void {
    if (errorCode !== NONE) return respond(refusedJoin(errorCode, member.id))
    const isLeader = member.id === this.roster.leaderId
    // Before v9 a leader cannot be told to skip the assignment: it sees the former leader's id, and acts as a follower.
    const skipAssignment = isLeader && canSkipAssignment
    const hidden = isLeader && !skipAssignment ? { leader: formerLeaderId ?? '', members: [] } : {}
    return respond({ ...this.joinResponse(member), ...hidden, skipAssignment })
  }

  #dismiss(member: GroupMember): void {
    this.roster.remove(member)
    this.#unsynced.delete(member.id)
    member.respondJoin(refusedJoin(UNKNOWN_MEMBER_ID, member.id))
    member.respondSync(refusedSync(UNKNOWN_MEMBER_ID))
  }

  #enter(state: GroupState): void {
    checkTransition(this.#state, state)
    this.#state = state
    this.#rebalanceEndsMs = Number.POSITIVE_INFINITY
  }

  #refuseSyncs(errorCode: number): void {
    for (const member of this.roster.all()) member.respondSync(refusedSync(errorCode))
  }
}
