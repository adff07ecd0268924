import { abortable } from '../../foundation/async/abortable.ts'
import { settledWithin, withDeadline } from '../../foundation/async/deadline.ts'
import { errorMessage } from '../../foundation/error-message.ts'
import { backoffMs } from '../../foundation/async/backoff.ts'
import { errorCodes, errorName, isRetriableCode } from '../../protocol/error-codes.ts'
import { heartbeat } from '../../protocol/messages/heartbeat.ts'
import { joinGroup } from '../../protocol/messages/join-group.ts'
import { leaveGroup } from '../../protocol/messages/leave-group.ts'
import { syncGroup } from '../../protocol/messages/sync-group.ts'
import type { Api, RequestValue, ResponseOf } from '../../protocol/schema.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { BrokerConnection } from '../connection/broker-connection.ts'
import { asError, BrokerError, InstanceFencedError, isRetriable, MembershipLostError } from '../errors.ts'
import type { Generation, GroupMemberOptions } from './group-member-options.ts'

type Joined = ResponseOf<typeof joinGroup>
interface Wait {
  readonly timeoutMs: number
  readonly signal: AbortSignal | undefined
}

type Membership = Pick<Generation, 'generationId' | 'memberId'>

const responseTimeoutMs = 10_000
const leaveTimeoutMs = 5_000
/** How long {@link GroupMember.leave} waits for the member id of a join in flight. A coordinator gives it immediately. */
const introductionMs = 1_000
const heartbeatRetryMs = 500

/** The membership has ended, and the member must join again. */
const membershipLost: ReadonlySet<number> = new Set([
  errorCodes.UNKNOWN_MEMBER_ID,
  errorCodes.ILLEGAL_GENERATION,
  errorCodes.FENCED_INSTANCE_ID,
])

/**
 * Responses to heartbeats that restart the session timeout. ILLEGAL_GENERATION, which a member gets whose join was responded to
 * and who has not received it, does not.
 */
const prolongsSession: ReadonlySet<number> = new Set([errorCodes.NONE, errorCodes.REBALANCE_IN_PROGRESS])

/** Another node is the coordinator, or it is not ready. */
export const coordinatorMoved: ReadonlySet<number> = new Set([
  errorCodes.COORDINATOR_LOAD_IN_PROGRESS,
  errorCodes.COORDINATOR_NOT_AVAILABLE,
  errorCodes.NOT_COORDINATOR,
])

/** The join must be repeated, with or without the member id. */
class RejoinError extends Error {
  override readonly name = 'RejoinError'
}

/**
 * A member of a group with the [classic rebalance protocol](https://kafka.apache.org/protocol#The_Messages_JoinGroup). Its owner
 * defines the metadata and assignments. Heartbeats are sent in the background after a join. `onRejoinNeeded` reports a
 * rebalance, and the owner joins again when it is ready.
 */
export class GroupMember {
  readonly #cluster: Cluster
  readonly #options: GroupMemberOptions
  /** Joins have their own connection, because they wait in the broker and would delay heartbeats. */
  readonly #joinPurpose: string
  readonly #heartbeatPurpose: string
  #memberId = ''
  #generation: Generation | null = null
  #rejoinReason: string | null = 'the member has not joined yet'
  #heartbeats: AbortController | null = null
  /** Whether a join waits for its response, which says more than that of a heartbeat. */
  #isJoining = false
  /** When it sent the last request that no rebalance waited for it at: one that began later waits for `rebalanceTimeoutMs`. */
  #awaitedSince = Number.NEGATIVE_INFINITY
  /** Resolves when the coordinator has responded to the join of a member without id. */
  #introduction: Promise<void> | null = null

  constructor(cluster: Cluster, options: GroupMemberOptions) {
    this.#cluster = cluster
    this.#options = options
    this.#joinPurpose = cluster.newPurpose('join')
    this.#heartbeatPurpose = cluster.newPurpose('group')
  }

  get #instanceId(): string | null {
    return this.#options.instanceId ?? null
  }

  /** The current generation; null before the first join, and after it was lost. */
  get generation(): Generation | null {
    return this.#generation
  }

  /** Why the member must join; null if it need not. */
  get rejoinReason(): string | null {
    return this.#rejoinReason
  }

  /** Requests a rebalance, which begins with the next `join`. */
  requestRejoin(reason: string): void {
    if (this.#rejoinReason !== null) return
    this.#rejoinReason = reason
    this.#options.onRejoinNeeded(reason, false)
  }

  /**
   * Joins and synchronizes, with retries. Waits for the slowest member to rejoin.
   * @throws InstanceFencedError if another member has the instance id, BrokerError if the group rejects this member,
   * MembershipLostError with `keepsWork`, or the signal's reason.
   */
  async join(signal?: AbortSignal): Promise<Generation> {
    const { clock, backoff, logger } = this.#cluster
    const { groupId, onReached } = this.#options
    const before = this.#generation
    for (let attempt = 1; ; attempt += 1) {
      signal?.throwIfAborted()
      this.#checkKept(before)
      try {
        this.#rejoinReason = null
        const generation = await this.#joinOnce(signal)
        this.#checkKept(before)
        this.#generation = generation
        onReached?.(null)
        return generation
      } catch (error) {
        this.#rejoinReason ??= 'the last join failed'
        if (error instanceof RejoinError) {
          logger.debug(`group ${groupId}: ${error.message}; rejoining`)
          if (attempt === 1) continue
        } else if (error instanceof MembershipLostError) throw error
        else if (isRetriable(error)) {
          if (signal?.aborted !== true) onReached?.(asError(error))
          this.#cluster.forgetCoordinator(groupId)
        } else throw error
        await clock.sleep(backoffMs(backoff, attempt), signal)
      }
    }
  }

  /** Leaves the group, so that other members take over immediately. A failure is only logged: the session expires by itself. */
  async leave(reason: string): Promise<void> {
    const { groupId } = this.#options
    this.#heartbeats?.abort()
    // The group would wait for a member that got an id and did not use it until its session expires.
    const introduction = this.#introduction
    const isJoining = introduction !== null && this.#instanceId !== null
    if (introduction !== null) await settledWithin(this.#cluster.clock, introductionMs, introduction)
    this.#cluster.closePurpose(this.#joinPurpose)
    const memberId = this.#memberId
    this.#forget(reason)
    this.#memberId = ''
    // A static member gets its id only when the rebalance ends; its instance id identifies it before.
    if (memberId !== '' || isJoining) {
      const request = { groupId, memberId, members: [{ memberId, groupInstanceId: this.#instanceId, reason }] }
      try {
        await withDeadline({ clock: this.#cluster.clock, ms: leaveTimeoutMs }, async (signal) => {
          const nodeId = await this.#cluster.coordinatorOf(groupId, signal)
          await this.#cluster.sendTo(nodeId, leaveGroup, request, { signal })
        })
      } catch (error) {
        const cause = errorMessage(error)
        this.#cluster.logger.info(
          `member ${memberId} could not leave group ${groupId}, its session will expire: ${cause}`,
        )
      }
    }
    this.#cluster.closePurpose(this.#heartbeatPurpose)
  }

  async #joinOnce(signal: AbortSignal | undefined): Promise<Generation> {
    const protocols = this.#options.protocols()
    // The join replaces heartbeats, which would only report the rebalance, and tell that the member is alive.
    if (this.#options.onAlive === undefined || this.#memberId === '') this.#heartbeats?.abort()
    const { groupId, protocolType, sessionTimeoutMs, rebalanceTimeoutMs } = this.#options
    const purpose = this.#joinPurpose
    const wait = { timeoutMs: rebalanceTimeoutMs + responseTimeoutMs, signal }
    const timeouts = { sessionTimeoutMs, rebalanceTimeoutMs }
    const groupInstanceId = this.#instanceId
    const join = { groupId, ...timeouts, memberId: this.#memberId, groupInstanceId, protocolType, protocols }
    const joinedAt = this.#cluster.clock.monotonic()
    const joined = await this.#joined(join, wait)
    this.#checkJoin(joined)
    this.#awaitedSince = Math.max(this.#awaitedSince, joinedAt)
    this.#memberId = joined.memberId
    this.#startHeartbeats(joined)
    const protocol = joined.protocolName ?? ''
    const isLeader = joined.leader === joined.memberId
    const assignments = isLeader
      ? await this.#options.assign(protocol, joined.members, joined.memberId)
      : new Map<string, Buffer>()
    const sync = {
      groupId,
      generationId: joined.generationId,
      memberId: joined.memberId,
      groupInstanceId,
      protocolType,
      protocolName: protocol,
      // The broker says so to a static leader that has taken another's place: the others keep what they have (KIP-814).
      assignments: joined.skipAssignment
        ? []
        : [...assignments].map(([memberId, assignment]) => ({ memberId, assignment })),
    }
    const syncedAt = this.#cluster.clock.monotonic()
    const synced = await this.#send(purpose, syncGroup, sync, wait)
    this.#checkSync(synced.errorCode)
    this.#awaitedSince = Math.max(this.#awaitedSince, syncedAt)
    this.#alive(syncedAt)
    const { generationId, memberId, leader: leaderId } = joined
    const isOutdated = joined.skipAssignment && assignments.get(memberId)?.equals(synced.assignment) === false
    if (isOutdated) this.#rejoinReason = 'the subscription is not that of the member before'
    return {
      generationId,
      memberId,
      instanceId: groupInstanceId,
      leaderId,
      isLeader,
      protocol,
      assignment: synced.assignment,
    }
  }

  async #joined(join: RequestValue<typeof joinGroup>, wait: Wait): Promise<Joined> {
    this.#isJoining = true
    try {
      if (this.#memberId === '') return await this.#introduce(join, wait)
      return await this.#send(this.#joinPurpose, joinGroup, join, wait)
    } finally {
      this.#isJoining = false
    }
  }

  /** The coordinator knew the member after `sentAt`. It removes it when the session ends, or a rebalance has waited for too long. */
  #alive(sentAt: number): void {
    const { onAlive, sessionTimeoutMs, rebalanceTimeoutMs } = this.#options
    const endsAt = Math.min(sentAt + sessionTimeoutMs, this.#awaitedSince + rebalanceTimeoutMs)
    onAlive?.(endsAt - this.#cluster.clock.monotonic())
  }

  /** Sends the first join, whose response has the id of the member: {@link leave} needs it, also when the signal fires. */
  async #introduce(join: RequestValue<typeof joinGroup>, { timeoutMs, signal }: Wait): Promise<Joined> {
    const connection = await this.#connection(this.#joinPurpose, signal)
    const sent = connection.send(joinGroup, join, { timeoutMs, signal: undefined })
    const introduction = sent
      .then(
        ({ errorCode, memberId }) => {
          if (errorCode === errorCodes.NONE || errorCode === errorCodes.MEMBER_ID_REQUIRED) this.#memberId = memberId
        },
        () => undefined,
      )
      .finally(() => {
        if (this.#introduction === introduction) this.#introduction = null
      })
    this.#introduction = introduction
    return await abortable(sent, signal)
  }

  /** @throws MembershipLostError if a response, be it to a heartbeat, has ended the generation with which the join began. */
  #checkKept(before: Generation | null): void {
    const { groupId, keepsWork = false } = this.#options
    if (!keepsWork || before === null || this.#generation !== null) return
    throw new MembershipLostError(groupId, 'the coordinator does not know this member any more')
  }

  #checkJoin({ errorCode }: Joined): void {
    if (errorCode === errorCodes.NONE) return
    if (errorCode === errorCodes.MEMBER_ID_REQUIRED) throw new RejoinError('the coordinator gave a member id')
    this.#checkMembership(errorCode, 'JoinGroup')
  }

  #checkSync(errorCode: number): void {
    if (errorCode !== errorCodes.NONE) this.#checkMembership(errorCode, 'SyncGroup')
  }

  /** Handles an error code of a join. @throws always. */
  #checkMembership(code: number, what: string): never {
    const { groupId } = this.#options
    // With its member id, each further join is refused in the same way: the other member is not fenced in return.
    if (code === errorCodes.FENCED_INSTANCE_ID) throw new InstanceFencedError(groupId, this.#instanceId ?? '')
    if (membershipLost.has(code)) {
      const reason = `${what} responded ${errorName(code)}`
      if (code !== errorCodes.ILLEGAL_GENERATION) this.#memberId = ''
      if (this.#memberId === '' && this.#options.keepsWork === true) this.#forget(reason)
      throw new RejoinError(reason)
    }
    if (code === errorCodes.REBALANCE_IN_PROGRESS) throw new RejoinError('another rebalance began')
    if (coordinatorMoved.has(code)) this.#cluster.forgetCoordinator(groupId)
    throw new BrokerError(code, `${what} of group ${groupId}`)
  }

  async #send<A extends Api>(purpose: string, api: A, request: RequestValue<A>, wait: Wait): Promise<ResponseOf<A>> {
    const connection = await this.#connection(purpose, wait.signal)
    return connection.send(api, request, wait)
  }

  async #connection(purpose: string, signal: AbortSignal | undefined): Promise<BrokerConnection> {
    const nodeId = await this.#cluster.coordinatorOf(this.#options.groupId, signal)
    return await this.#cluster.connection(nodeId, purpose, signal)
  }

  #startHeartbeats(membership: Membership): void {
    this.#heartbeats?.abort()
    const stop = new AbortController()
    this.#heartbeats = stop
    void this.#sendHeartbeats(membership, stop.signal).catch((error: unknown) => {
      if (stop.signal.aborted || this.#cluster.isClosed) return
      this.#forget(errorMessage(error))
    })
  }

  async #sendHeartbeats({ generationId, memberId }: Membership, signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#cluster
    const { groupId, heartbeatIntervalMs } = this.#options
    for (let waitMs = heartbeatIntervalMs; !signal.aborted;) {
      await clock.sleep(waitMs, signal)
      waitMs = heartbeatIntervalMs
      try {
        const request = { groupId, generationId, memberId, groupInstanceId: this.#instanceId }
        const wait = { timeoutMs: responseTimeoutMs, signal }
        const sentAt = clock.monotonic()
        const { errorCode } = await this.#send(this.#heartbeatPurpose, heartbeat, request, wait)
        this.#options.onReached?.(null)
        if (signal.aborted) return
        if (errorCode === errorCodes.NONE) this.#awaitedSince = Math.max(this.#awaitedSince, sentAt)
        if (prolongsSession.has(errorCode)) this.#alive(sentAt)
        if (this.#isJoining) continue
        if (!this.#handleHeartbeat(errorCode)) return
        if (coordinatorMoved.has(errorCode)) waitMs = Math.min(heartbeatRetryMs, heartbeatIntervalMs)
      } catch (error) {
        if (!isRetriable(error)) throw error
        if (!signal.aborted) this.#options.onReached?.(asError(error))
        logger.debug(`heartbeat of group ${groupId}: ${errorMessage(error)}`)
        this.#cluster.forgetCoordinator(groupId)
        waitMs = Math.min(heartbeatRetryMs, heartbeatIntervalMs)
      }
    }
  }

  /** Handles the response to a heartbeat. Returns whether heartbeats continue. */
  #handleHeartbeat(code: number): boolean {
    const { groupId } = this.#options
    if (membershipLost.has(code)) {
      if (code === errorCodes.UNKNOWN_MEMBER_ID) this.#memberId = ''
      this.#forget(`the coordinator responded ${errorName(code)}`)
      return false
    }
    if (code === errorCodes.REBALANCE_IN_PROGRESS) this.requestRejoin('the group is rebalancing')
    else if (coordinatorMoved.has(code)) this.#cluster.forgetCoordinator(groupId)
    else if (code !== errorCodes.NONE && !isRetriableCode(code))
      throw new BrokerError(code, `heartbeat of group ${groupId}`)
    return true
  }

  #forget(reason: string): void {
    this.#heartbeats?.abort()
    const wasMember = this.#generation !== null
    this.#generation = null
    this.#rejoinReason ??= reason
    if (wasMember) this.#options.onRejoinNeeded(reason, true)
  }
}
