import { errorCodes } from '../../../protocol/error-codes.ts'
import { GroupLifecycle } from './group-lifecycle.ts'
import { GroupMember, sameProtocols } from './group-member.ts'
import {
  refusedJoin,
  refusedSync,
  type JoinRequest,
  type JoinResponse,
  type StoredGroup,
  type SyncRequest,
  type SyncResponse,
} from './group-protocol.ts'
import { memberErrors } from './group-state.ts'

const { NONE } = errorCodes

type RespondJoin = (response: JoinResponse) => void
type RespondSync = (response: SyncResponse) => void

/**
 * One group of the classic protocol: the requests of its members. What the members share is opaque to it, so consumers and
 * Connect workers use it alike. Rebalances, timeouts and generations are in {@link GroupLifecycle}.
 *
 * Requests that wait are callbacks. After every call the owner arms a timer for {@link nextDeadlineMs} and stores what
 * {@link takeWrites} returns.
 */
export class Group extends GroupLifecycle {
  readonly id: string
  /** When the state was last stored, in milliseconds of the epoch; set by the owner. */
  stateTimestampMs: number

  /** @param gatherMs how long the first rebalance waits for more members. */
  constructor(id: string, gatherMs: number, stateTimestampMs: number) {
    super(gatherMs)
    this.id = id
    this.stateTimestampMs = stateTimestampMs
  }

  /** The group as it was stored. Its members have one session timeout to send a heartbeat. */
  static restore(id: string, gatherMs: number, stored: StoredGroup, nowMs: number): Group {
    const group = new Group(id, gatherMs, stored.stateTimestampMs)
    for (const { details, assignment } of stored.members) {
      const member = new GroupMember(details, nowMs)
      member.assignment = assignment
      group.roster.add(member)
    }
    group.continueFrom(stored)
    return group
  }

  /** A member joins, or joins again. `respond` is called immediately or when the rebalance ends. */
  join(request: JoinRequest, nowMs: number, respond: RespondJoin): void {
    const refuse = (errorCode: number): void => respond(refusedJoin(errorCode, request.memberId))
    if (!this.#canWorkWith(request)) return refuse(errorCodes.INCONSISTENT_GROUP_PROTOCOL)
    if (request.memberId === '') return this.#joinWithoutId(request, nowMs, respond)
    if (this.roster.announced.delete(request.memberId)) return this.#enter(request, nowMs, respond)
    const fault = this.roster.faultOf(request.memberId, request.groupInstanceId)
    const member = this.roster.get(request.memberId)
    if (fault !== NONE || member === undefined) return refuse(fault)
    member.touch(nowMs)
    if (!this.#keepsGeneration(member, request)) return this.#joinAgain(member, request, nowMs, respond)
    member.details = { ...request }
    return respond(this.joinResponse(member))
  }

  /** A member asks for its assignment; the leader brings the assignments of all. */
  sync(request: SyncRequest, nowMs: number, respond: RespondSync): void {
    const refuse = (errorCode: number): void => respond(refusedSync(errorCode))
    const { protocolType, protocolName } = request
    const fault = this.#identityError(request.memberId, request.groupInstanceId, request.generationId)
    const member = this.roster.get(request.memberId)
    if (fault !== NONE || member === undefined) return refuse(fault)
    const isOtherKind = protocolType !== null && protocolType !== this.protocolType
    if (isOtherKind || (protocolName !== null && protocolName !== this.protocolName))
      return refuse(errorCodes.INCONSISTENT_GROUP_PROTOCOL)
    member.touch(nowMs)
    const stateError = memberErrors[this.state].sync
    if (stateError !== NONE) return refuse(stateError)
    if (this.state === 'Stable') return respond(this.syncResponse(member))
    member.respondSync(refusedSync(errorCodes.REBALANCE_IN_PROGRESS))
    member.syncing = respond
    this.synced(member.id)
    if (member.id !== this.roster.leaderId) return undefined
    return this.assign(new Map(request.assignments.map(({ memberId, assignment }) => [memberId, assignment])))
  }

  /** A member shows that it is alive. Returns an error code. */
  heartbeat(memberId: string, groupInstanceId: string | null, generationId: number, nowMs: number): number {
    const fault = this.#identityError(memberId, groupInstanceId, generationId)
    if (fault !== NONE) return fault
    this.roster.get(memberId)?.touch(nowMs)
    return memberErrors[this.state].heartbeat
  }

  /** A member leaves. A static member may be named by its instance id alone. Returns an error code. */
  leave(memberId: string, groupInstanceId: string | null, nowMs: number): number {
    if (this.roster.announced.delete(memberId)) {
      this.completeIfAllJoined(nowMs)
      return NONE
    }
    const id = memberId === '' && groupInstanceId !== null ? this.roster.idOfInstance(groupInstanceId) : memberId
    const fault = id === undefined ? errorCodes.UNKNOWN_MEMBER_ID : this.roster.faultOf(id, groupInstanceId)
    const member = this.roster.get(id ?? '')
    if (fault !== NONE || member === undefined) return fault
    this.remove([member], nowMs)
    return NONE
  }

  /** Checks whether a client with this identity may commit offsets. Returns an error code. */
  checkCommit(memberId: string, groupInstanceId: string | null, generationId: number, nowMs: number): number {
    if (generationId < 0 && this.roster.isEmpty) return NONE
    const fault = this.#identityError(memberId, groupInstanceId, generationId)
    if (fault !== NONE) return fault
    const stateError = memberErrors[this.state].commit
    if (stateError === NONE) this.roster.get(memberId)?.touch(nowMs)
    return stateError
  }

  #identityError(memberId: string, groupInstanceId: string | null, generationId: number): number {
    const fault = this.roster.faultOf(memberId, groupInstanceId)
    if (fault !== NONE) return fault
    return generationId === this.generationId ? NONE : errorCodes.ILLEGAL_GENERATION
  }

  /** Whether the member gets the current generation again: it lost the response, or nothing about it changed. */
  #keepsGeneration(member: GroupMember, request: JoinRequest): boolean {
    if (!sameProtocols(member.details.protocols, request.protocols)) return false
    if (this.state === 'Stable') return member.id !== this.roster.leaderId // A leader that joins again wants a rebalance.
    return this.state === 'CompletingRebalance'
  }

  #joinWithoutId(request: JoinRequest, nowMs: number, respond: RespondJoin): void {
    const entering = { ...request, memberId: request.newMemberId }
    const former = this.roster.staticMember(request.groupInstanceId)
    if (former !== undefined) return this.#replace(former, entering, nowMs, respond)
    if (request.groupInstanceId !== null || !request.requiresKnownId) return this.#enter(entering, nowMs, respond)
    this.roster.announced.set(entering.memberId, nowMs + request.sessionTimeoutMs)
    return respond(refusedJoin(errorCodes.MEMBER_ID_REQUIRED, entering.memberId))
  }

  #enter(request: JoinRequest, nowMs: number, respond: RespondJoin): void {
    const member = new GroupMember({ ...request }, nowMs)
    member.joining = respond
    this.admit(member, request.protocolType, nowMs)
  }

  #joinAgain(member: GroupMember, request: JoinRequest, nowMs: number, respond: RespondJoin): void {
    member.respondJoin(refusedJoin(errorCodes.REBALANCE_IN_PROGRESS, member.id))
    member.details = { ...request, memberId: member.id }
    member.joining = respond
    this.rebalance(nowMs)
  }

  /** A static member came back under a new id (KIP-345): its former id is fenced. Unless it changed, nothing else does. */
  #replace(former: GroupMember, request: JoinRequest, nowMs: number, respond: RespondJoin): void {
    const formerLeaderId = this.roster.leaderId
    const isUnchanged = sameProtocols(former.details.protocols, request.protocols)
    former.respondJoin(refusedJoin(errorCodes.FENCED_INSTANCE_ID, former.id))
    former.respondSync(refusedSync(errorCodes.FENCED_INSTANCE_ID))
    this.synced(former.id)
    const member = new GroupMember({ ...request }, nowMs)
    member.assignment = former.assignment
    this.roster.replace(former, member)
    if (this.state !== 'Stable' || !isUnchanged) return this.#joinAgain(member, request, nowMs, respond)
    return this.replaced({
      member,
      formerLeaderId,
      canSkipAssignment: request.canSkipAssignment,
      respond,
    })
  }

  /** Whether the new member can work with the others: same kind of group, and a protocol that all of them know. */
  #canWorkWith({ protocolType, protocols, memberId }: JoinRequest): boolean {
    if (protocolType === '' || (!this.roster.isEmpty && protocolType !== this.protocolType)) return false
    return this.roster.shares(memberId, protocols)
  }
}
