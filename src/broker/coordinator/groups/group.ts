import { errorCodes } from '../../../protocol/error-codes.ts'
import { GroupMember, sameProtocols } from './group-member.ts'
import {
  refusedJoin,
  refusedSync,
  type JoinAnswer,
  type JoinRequest,
  type StoredGroup,
  type SyncAnswer,
  type SyncRequest,
} from './group-protocol.ts'
import { GroupRoster } from './group-roster.ts'

/*
 * One group of the classic protocol. Nothing in it depends on what the members share: consumers and Connect workers alike.
 *
 *   Empty → PreparingRebalance → CompletingRebalance → Stable
 *             ↑      members join, all of      the leader's assignment      │
 *             │      them or until the         is awaited                   │
 *             └──────  time is up ──────────────────────────────────────────┘  a member comes, goes or changes
 *
 * The machine is synchronous and has no clock and no disk: every call carries the time (monotonic milliseconds), requests that
 * wait are callbacks, and what has to be stored is handed to `GroupOwner`, which calls back. Deadlines are asked for and passed
 * by the owner.
 */

export type GroupState = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable'

/** What a group needs of those around it. */
export interface GroupOwner {
  /**
   * The members and their assignments are to be stored, before the members are told: `stored` is called once they are, with
   * `NONE` or an error.
   */
  store(
    group: Group,
    assignments: ReadonlyMap<string, Buffer>,
    stored: (errorCode: number, nowMs: number) => void,
  ): void
}

const noBytes = Buffer.alloc(0)
const { NONE } = errorCodes

/** A group of the classic protocol. */
export class Group {
  readonly id: string
  readonly roster = new GroupRoster()
  /** When its state was last stored, in milliseconds of the epoch; the owner's to set. */
  stateTimestampMs: number
  readonly #owner: GroupOwner
  readonly #gatherMs: number
  /** Members of which no SyncGroup came in this generation. */
  readonly #unsynced = new Set<string>()
  #state: GroupState = 'Empty'
  #generationId = 0
  #protocolType: string | null = null
  #protocolName: string | null = null
  /** When the members that have not joined, or not synced, are given up. */
  #rebalanceEndsMs = Number.POSITIVE_INFINITY
  /** The rebalance of a new group does not end before. */
  #gatherUntilMs = 0

  /** @param gatherMs how long the first rebalance of a group waits for more members. */
  constructor(id: string, owner: GroupOwner, gatherMs: number, stateTimestampMs: number) {
    this.id = id
    this.#owner = owner
    this.#gatherMs = gatherMs
    this.stateTimestampMs = stateTimestampMs
  }

  /** The group as it was stored; its members have a whole session to be heard of. */
  static restore(id: string, owner: GroupOwner, gatherMs: number, stored: StoredGroup, nowMs: number): Group {
    const group = new Group(id, owner, gatherMs, stored.stateTimestampMs)
    group.#generationId = stored.generationId
    group.#protocolType = stored.protocolType
    group.#protocolName = stored.protocolName
    for (const { details, assignment } of stored.members) {
      const member = new GroupMember(details, nowMs)
      member.assignment = assignment
      group.roster.add(member)
    }
    group.roster.leaderId = stored.leaderId
    if (!group.roster.isEmpty) group.#state = 'Stable'
    return group
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

  /** The way to share the work that was chosen; null while there is none. */
  get protocolName(): string | null {
    return this.#protocolName
  }

  /** A member enters, or enters again. `answer` is called at once or when the rebalance ends. */
  join(request: JoinRequest, nowMs: number, answer: (answer: JoinAnswer) => void): void {
    const refuse = (errorCode: number, memberId = request.memberId): void => answer(refusedJoin(errorCode, memberId))
    if (!this.#canWorkWith(request)) return refuse(errorCodes.INCONSISTENT_GROUP_PROTOCOL)
    if (request.memberId === '') return this.#joinWithoutId(request, nowMs, answer, refuse)
    if (this.roster.announced.delete(request.memberId)) return this.#enter(request, nowMs, answer)
    const fault = this.roster.faultOf(request.memberId, request.groupInstanceId)
    const member = this.roster.get(request.memberId)
    if (fault !== NONE || member === undefined) return refuse(fault)
    member.touch(nowMs)
    const isUnchanged = sameProtocols(member.details.protocols, request.protocols)
    const staysStable = this.#state === 'Stable' && isUnchanged && member.id !== this.roster.leaderId
    // A member that joins again while assignments are awaited lost the answer to its first request.
    if (staysStable || (this.#state === 'CompletingRebalance' && isUnchanged)) {
      member.details = { ...request }
      return answer(this.#joinAnswerFor(member))
    }
    return this.#joinAgain(member, request, nowMs, answer)
  }

  /** A member asks for its assignment; the leader brings all of them. */
  sync(request: SyncRequest, nowMs: number, answer: (answer: SyncAnswer) => void): void {
    const refuse = (errorCode: number): void => answer(refusedSync(errorCode))
    const { protocolType, protocolName } = request
    const fault = this.roster.faultOf(request.memberId, request.groupInstanceId)
    const member = this.roster.get(request.memberId)
    if (fault !== NONE || member === undefined) return refuse(fault)
    if (request.generationId !== this.#generationId) return refuse(errorCodes.ILLEGAL_GENERATION)
    const isOtherKind = protocolType !== null && protocolType !== this.#protocolType
    if (isOtherKind || (protocolName !== null && protocolName !== this.#protocolName)) {
      return refuse(errorCodes.INCONSISTENT_GROUP_PROTOCOL)
    }
    member.touch(nowMs)
    switch (this.#state) {
      case 'Empty':
        return refuse(errorCodes.UNKNOWN_MEMBER_ID)
      case 'PreparingRebalance':
        return refuse(errorCodes.REBALANCE_IN_PROGRESS)
      case 'Stable':
        return answer(this.#syncAnswerFor(member))
      case 'CompletingRebalance':
        member.answerSync(refusedSync(errorCodes.REBALANCE_IN_PROGRESS))
        member.syncing = answer
        this.#unsynced.delete(member.id)
        if (member.id === this.roster.leaderId) this.#storeAssignments(request.assignments)
    }
    return undefined
  }

  /** A member says that it lives. The answer is an error code. */
  heartbeat(memberId: string, groupInstanceId: string | null, generationId: number, nowMs: number): number {
    const fault = this.roster.faultOf(memberId, groupInstanceId)
    if (fault !== NONE) return fault
    if (this.#state === 'Empty') return errorCodes.UNKNOWN_MEMBER_ID
    if (generationId !== this.#generationId) return errorCodes.ILLEGAL_GENERATION
    this.roster.get(memberId)?.touch(nowMs)
    return this.#state === 'PreparingRebalance' ? errorCodes.REBALANCE_IN_PROGRESS : NONE
  }

  /** A member goes. Static members may be named by their instance id alone. The answer is an error code. */
  leave(memberId: string, groupInstanceId: string | null, nowMs: number): number {
    if (this.roster.announced.delete(memberId)) {
      this.#completeIfAllJoined(nowMs)
      return NONE
    }
    const id = memberId === '' && groupInstanceId !== null ? this.roster.idOfInstance(groupInstanceId) : memberId
    const fault = id === undefined ? errorCodes.UNKNOWN_MEMBER_ID : this.roster.faultOf(id, groupInstanceId)
    const member = this.roster.get(id ?? '')
    if (fault !== NONE || member === undefined) return fault
    this.#dismiss(member)
    this.#afterDismissal(nowMs)
    return NONE
  }

  /** Whether offsets may be committed with this identity. The answer is an error code. */
  checkCommit(memberId: string, groupInstanceId: string | null, generationId: number, nowMs: number): number {
    if (generationId < 0 && this.roster.isEmpty) return NONE
    const fault = this.roster.faultOf(memberId, groupInstanceId)
    if (fault !== NONE) return fault
    if (generationId !== this.#generationId) return errorCodes.ILLEGAL_GENERATION
    if (this.#state === 'CompletingRebalance') return errorCodes.REBALANCE_IN_PROGRESS
    this.roster.get(memberId)?.touch(nowMs)
    return NONE
  }

  /** The next time {@link passTime} has something to do; infinity when it has not. */
  nextDeadlineMs(): number {
    let next = this.#rebalanceEndsMs
    if (this.#state === 'PreparingRebalance' && this.roster.allJoined()) next = Math.min(next, this.#gatherUntilMs)
    for (const endsMs of this.roster.announced.values()) next = Math.min(next, endsMs)
    for (const member of this.roster.all()) if (!member.isWaiting) next = Math.min(next, member.sessionEndsMs)
    return next
  }

  /** Ends sessions and rebalances whose time is up. */
  passTime(nowMs: number): void {
    for (const [memberId, endsMs] of this.roster.announced) if (endsMs <= nowMs) this.roster.announced.delete(memberId)
    const lost = this.roster.all().filter((member) => !member.isWaiting && member.sessionEndsMs <= nowMs)
    for (const member of lost) this.#dismiss(member)
    if (lost.length > 0) this.#afterDismissal(nowMs)
    if (this.#rebalanceEndsMs <= nowMs) this.#endRebalance(nowMs)
    this.#completeIfAllJoined(nowMs)
  }

  /** Gives every member `ms` more: the broker itself did not listen for so long. */
  extendDeadlines(ms: number): void {
    for (const member of this.roster.all()) member.sessionEndsMs += ms
    this.#rebalanceEndsMs += ms
    for (const [memberId, endsMs] of this.roster.announced) this.roster.announced.set(memberId, endsMs + ms)
  }

  #joinWithoutId(
    request: JoinRequest,
    nowMs: number,
    answer: (answer: JoinAnswer) => void,
    refuse: (errorCode: number, memberId?: string) => void,
  ): void {
    const entering = { ...request, memberId: request.newMemberId }
    const former = this.roster.staticMember(request.groupInstanceId)
    if (former !== undefined) return this.#replace(former, entering, nowMs, answer)
    if (request.groupInstanceId !== null || !request.requiresKnownId) return this.#enter(entering, nowMs, answer)
    this.roster.announced.set(entering.memberId, nowMs + request.sessionTimeoutMs)
    return refuse(errorCodes.MEMBER_ID_REQUIRED, entering.memberId)
  }

  #enter(request: JoinRequest, nowMs: number, answer: (answer: JoinAnswer) => void): void {
    const member = new GroupMember({ ...request }, nowMs)
    member.joining = answer
    this.#protocolType = request.protocolType
    this.roster.add(member)
    this.roster.leaderId ??= member.id
    this.#rebalance(nowMs)
  }

  #joinAgain(member: GroupMember, request: JoinRequest, nowMs: number, answer: (answer: JoinAnswer) => void): void {
    member.answerJoin(refusedJoin(errorCodes.REBALANCE_IN_PROGRESS, member.id))
    member.details = { ...request, memberId: member.id }
    this.#rebalance(nowMs, () => {
      member.joining = answer
    })
  }

  /** A static member came back under a new id: the old one is fenced, and nothing else changes if it announces the same. */
  #replace(former: GroupMember, request: JoinRequest, nowMs: number, answer: (answer: JoinAnswer) => void): void {
    const formerLeader = this.roster.leaderId
    const isUnchanged = sameProtocols(former.details.protocols, request.protocols)
    former.answerJoin(refusedJoin(errorCodes.FENCED_INSTANCE_ID, former.id))
    former.answerSync(refusedSync(errorCodes.FENCED_INSTANCE_ID))
    this.#unsynced.delete(former.id)
    const member = new GroupMember({ ...request }, nowMs)
    member.assignment = former.assignment
    this.roster.replace(former, member)
    if (this.#state !== 'Stable' || !isUnchanged) return this.#joinAgain(member, request, nowMs, answer)
    return this.#owner.store(this, this.roster.assignments(), (errorCode) => {
      if (errorCode !== NONE) return answer(refusedJoin(errorCode, member.id))
      const isLeader = member.id === this.roster.leaderId
      // Before v9 a leader cannot be told to keep its hands off: it is shown the old leader's id, and takes itself for a follower.
      const skips = isLeader && request.canSkipAssignment
      const hidden = { leader: formerLeader ?? '', members: [] }
      return answer({ ...this.#joinAnswerFor(member), ...(isLeader && !skips ? hidden : {}), skipAssignment: skips })
    })
  }

  /** Starts a rebalance, or goes on with the one under way. `join` parks a request once assignments no longer are awaited. */
  #rebalance(nowMs: number, join: () => void = () => undefined): void {
    if (this.#state !== 'PreparingRebalance') {
      const delayMs = this.#state === 'Empty' ? this.#gatherMs : 0
      this.#gatherUntilMs = nowMs + delayMs
      this.#answerAllSyncs(errorCodes.REBALANCE_IN_PROGRESS)
      this.#unsynced.clear()
      this.#enterState('PreparingRebalance')
      this.#rebalanceEndsMs = nowMs + this.roster.rebalanceTimeoutMs()
    } else if (this.#gatherUntilMs > nowMs) {
      this.#gatherUntilMs = Math.min(nowMs + this.#gatherMs, this.#rebalanceEndsMs)
    }
    join()
    this.#completeIfAllJoined(nowMs)
  }

  #completeIfAllJoined(nowMs: number): void {
    if (this.#state === 'PreparingRebalance' && this.#gatherUntilMs <= nowMs && this.roster.allJoined())
      this.#complete(nowMs)
  }

  /** The time of the rebalance is up: who did not join, or did not sync, is given up. */
  #endRebalance(nowMs: number): void {
    const late = this.roster
      .all()
      .filter((member) =>
        this.#state === 'PreparingRebalance'
          ? member.joining === null && !member.isStatic
          : this.#unsynced.has(member.id),
      )
    for (const member of late) this.#dismiss(member)
    if (this.#state === 'CompletingRebalance') {
      this.#rebalanceEndsMs = Number.POSITIVE_INFINITY
      if (late.length > 0) this.#afterDismissal(nowMs)
      return
    }
    const somebodyJoined = this.roster.all().some((member) => member.joining !== null)
    if (somebodyJoined || this.roster.isEmpty) this.#complete(nowMs)
    else this.#rebalanceEndsMs = nowMs + this.roster.rebalanceTimeoutMs()
  }

  /** Begins the next generation with those who joined. */
  #complete(nowMs: number): void {
    this.#generationId += 1
    if (this.roster.isEmpty) return this.#becomeEmpty()
    this.roster.electJoinedLeader()
    this.#protocolName = this.roster.vote()
    this.#enterState('CompletingRebalance')
    this.#rebalanceEndsMs = nowMs + this.roster.rebalanceTimeoutMs()
    for (const member of this.roster.all()) this.#unsynced.add(member.id)
    for (const member of this.roster.all()) {
      member.touch(nowMs)
      member.answerJoin(this.#joinAnswerFor(member))
    }
  }

  #becomeEmpty(): void {
    this.#protocolName = null
    this.roster.leaderId = null
    this.#enterState('Empty')
    this.#owner.store(this, new Map(), () => undefined)
  }

  #storeAssignments(assignments: SyncRequest['assignments']): void {
    const given = new Map(assignments.map(({ memberId, assignment }) => [memberId, assignment]))
    const generationId = this.#generationId
    const complete = new Map([...this.roster.members.keys()].map((id) => [id, given.get(id) ?? noBytes]))
    this.#owner.store(this, complete, (errorCode, nowMs) => {
      if (this.#state !== 'CompletingRebalance' || generationId !== this.#generationId) return
      if (errorCode !== NONE) {
        this.#answerAllSyncs(errorCode)
        this.#rebalance(nowMs)
        return
      }
      this.#enterState('Stable')
      for (const member of this.roster.all()) {
        member.assignment = complete.get(member.id) ?? noBytes
        if (member.syncing !== null) member.touch(nowMs)
        member.answerSync(this.#syncAnswerFor(member))
      }
    })
  }

  #dismiss(member: GroupMember): void {
    this.roster.remove(member)
    this.#unsynced.delete(member.id)
    member.answerJoin(refusedJoin(errorCodes.UNKNOWN_MEMBER_ID, member.id))
    member.answerSync(refusedSync(errorCodes.UNKNOWN_MEMBER_ID))
  }

  #afterDismissal(nowMs: number): void {
    if (this.#state === 'Stable' || this.#state === 'CompletingRebalance') this.#rebalance(nowMs)
    else this.#completeIfAllJoined(nowMs)
  }

  #enterState(state: GroupState): void {
    this.#state = state
    this.#rebalanceEndsMs = Number.POSITIVE_INFINITY
  }

  /** Whether the newcomer can work with those who are there: same kind of group, a protocol they all know. */
  #canWorkWith({ protocolType, protocols, memberId }: JoinRequest): boolean {
    if (protocolType === '' || (!this.roster.isEmpty && protocolType !== this.#protocolType)) return false
    return this.roster.shares(memberId, protocols)
  }

  #answerAllSyncs(errorCode: number): void {
    for (const member of this.roster.all()) member.answerSync(refusedSync(errorCode))
  }

  #joinAnswerFor(member: GroupMember): JoinAnswer {
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

  #syncAnswerFor(member: GroupMember): SyncAnswer {
    return {
      errorCode: NONE,
      protocolType: this.#protocolType,
      protocolName: this.#protocolName,
      assignment: member.assignment,
    }
  }
}
