import { abortable } from '../../foundation/async/abortable.ts'
import { errorMessage } from '../../foundation/error-message.ts'
import { backoffMs } from '../../foundation/async/backoff.ts'
import { errorCodes, errorName, isRetriableCode } from '../../protocol/error-codes.ts'
import { heartbeat } from '../../protocol/messages/heartbeat.ts'
import { joinGroup } from '../../protocol/messages/join-group.ts'
import { leaveGroup } from '../../protocol/messages/leave-group.ts'
import { syncGroup } from '../../protocol/messages/sync-group.ts'
import type { Api, RequestValue, ResponseOf } from '../../protocol/schema.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { asError, BrokerError, isRetriable, RequestTimeoutError } from '../errors.ts'

/** A way to share work that a member knows, with what it wants to tell the leader. */
export interface GroupProtocol {
  readonly name: string
  readonly metadata: Buffer
}

/** A member as the leader sees it. */
export interface MemberMetadata {
  readonly memberId: string
  readonly metadata: Buffer
}

/** One membership: it ends with the next rebalance. */
export interface Generation {
  readonly generationId: number
  readonly memberId: string
  readonly leaderId: string
  readonly isLeader: boolean
  /** The protocol that the coordinator chose. */
  readonly protocol: string
  /** What the leader assigned to this member; empty when it was left out. */
  readonly assignment: Buffer
}

/** Who joins which group, and how. */
export interface GroupMemberOptions {
  readonly groupId: string
  /** `consumer` or `connect`. */
  readonly protocolType: string
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  readonly heartbeatIntervalMs: number
  /** What to offer; asked for at each join, in order of preference. */
  readonly protocols: () => readonly GroupProtocol[]
  /** Shares the work out; called on the leader only. Members that are left out get nothing. */
  readonly assign: (
    protocol: string,
    members: readonly MemberMetadata[],
  ) => Promise<ReadonlyMap<string, Buffer>> | ReadonlyMap<string, Buffer>
  /** A rebalance has begun (`lost` false: the assignment stays valid until the join), or the membership is gone. */
  readonly onRejoinNeeded: (reason: string, lost: boolean) => void
  /** A join or a heartbeat failed, with its error, and is retried; null when the coordinator responded. Must not throw. */
  readonly onReached?: (error: Error | null) => void
}

type Joined = ResponseOf<typeof joinGroup>
type Membership = Pick<Generation, 'generationId' | 'memberId'>

const answerTimeoutMs = 10_000
const leaveTimeoutMs = 5_000
const heartbeatRetryMs = 500

/** The membership is gone; the coordinator wants to see a fresh join. */
const membershipLost: ReadonlySet<number> = new Set([
  errorCodes.UNKNOWN_MEMBER_ID,
  errorCodes.ILLEGAL_GENERATION,
  errorCodes.FENCED_INSTANCE_ID,
])

/** The coordinator has moved or is not ready. */
export const coordinatorMoved: ReadonlySet<number> = new Set([
  errorCodes.COORDINATOR_LOAD_IN_PROGRESS,
  errorCodes.COORDINATOR_NOT_AVAILABLE,
  errorCodes.NOT_COORDINATOR,
])

/** The round has to be begun again, with or without the member id. */
class JoinAgainError extends Error {
  override readonly name = 'JoinAgainError'
}

/**
 * A member of a group by the classic protocol; what the protocols mean is its owner's business. Heartbeats go in the
 * background from a join on; `onRejoinNeeded` tells of a rebalance, and the owner joins again when its work allows.
 */
export class GroupMember {
  readonly #cluster: Cluster
  readonly #options: GroupMemberOptions
  /** A parked join must not hold up heartbeats. */
  readonly #joinLane: string
  readonly #heartbeatLane: string
  #memberId = ''
  #generation: Generation | null = null
  #rejoinReason: string | null = 'the member has not joined yet'
  #heartbeats: AbortController | null = null
  #lastHeartbeatAt = Number.NEGATIVE_INFINITY

  constructor(cluster: Cluster, options: GroupMemberOptions) {
    this.#cluster = cluster
    this.#options = options
    this.#joinLane = cluster.newLane('join')
    this.#heartbeatLane = cluster.newLane('group')
  }

  /** The membership; null before the first join, and after it was lost. */
  get generation(): Generation | null {
    return this.#generation
  }

  /** Why the member has to join (again); null when it does not have to. */
  get rejoinReason(): string | null {
    return this.#rejoinReason
  }

  /** Monotonic milliseconds of the last sign of life that the coordinator accepted. */
  get lastHeartbeatAt(): number {
    return this.#lastHeartbeatAt
  }

  /** Asks for a rebalance, which begins with the next `join`. */
  requestRejoin(reason: string): void {
    if (this.#rejoinReason !== null) return
    this.#rejoinReason = reason
    this.#options.onRejoinNeeded(reason, false)
  }

  /**
   * Joins and synchronizes, as often as it takes. Lasts as long as the slowest member's rebalance.
   * @throws BrokerError when the group does not take this member, or the signal's reason.
   */
  async join(signal?: AbortSignal): Promise<Generation> {
    const { clock, backoff, logger } = this.#cluster
    for (let attempt = 1; ; attempt += 1) {
      signal?.throwIfAborted()
      try {
        this.#rejoinReason = null
        const generation = await this.#joinOnce(signal)
        this.#generation = generation
        this.#options.onReached?.(null)
        return generation
      } catch (error) {
        this.#rejoinReason ??= 'the last join failed'
        if (error instanceof JoinAgainError) {
          logger.debug(`group ${this.#options.groupId}: ${error.message}; joining again`)
          if (attempt === 1) continue
        } else if (isRetriable(error)) {
          if (signal?.aborted !== true) this.#options.onReached?.(asError(error))
          this.#cluster.forgetCoordinator(this.#options.groupId)
        } else throw error
        await clock.sleep(backoffMs(backoff, attempt), signal)
      }
    }
  }

  /** Leaves the group, so that others take over at once. Failures to say so are only logged: the session ends by itself. */
  async leave(reason: string): Promise<void> {
    const { groupId } = this.#options
    this.#heartbeats?.abort()
    this.#cluster.closeLane(this.#joinLane)
    const memberId = this.#memberId
    this.#forget(reason)
    this.#memberId = ''
    if (memberId !== '') {
      const bound = new AbortController()
      const late = new RequestTimeoutError(`no answer within ${leaveTimeoutMs} ms`)
      const cancel = this.#cluster.clock.after(leaveTimeoutMs, () => bound.abort(late))
      try {
        const nodeId = await abortable(this.#cluster.coordinatorOf(groupId, bound.signal), bound.signal)
        const request = { groupId, memberId, members: [{ memberId, reason }] }
        await abortable(this.#cluster.sendTo(nodeId, leaveGroup, request, { signal: bound.signal }), bound.signal)
      } catch (error) {
        const cause = errorMessage(error)
        this.#cluster.logger.info(`member ${memberId} could not say that it leaves group ${groupId}: ${cause}`)
      } finally {
        cancel()
      }
    }
    this.#cluster.closeLane(this.#heartbeatLane)
  }

  async #joinOnce(signal: AbortSignal | undefined): Promise<Generation> {
    const protocols = this.#options.protocols()
    // The coordinator waits for the join itself; a heartbeat of the generation that ends would only tell us to join.
    this.#heartbeats?.abort()
    const { groupId, protocolType, sessionTimeoutMs, rebalanceTimeoutMs } = this.#options
    const joined = await this.#ask(this.#joinLane, joinGroup, rebalanceTimeoutMs + answerTimeoutMs, signal, {
      groupId,
      sessionTimeoutMs,
      rebalanceTimeoutMs,
      memberId: this.#memberId,
      protocolType,
      protocols,
    })
    this.#checkJoin(joined)
    this.#memberId = joined.memberId
    this.#startHeartbeats(joined)
    const protocol = joined.protocolName ?? ''
    const isLeader = joined.leader === joined.memberId
    const assignments = isLeader ? await this.#options.assign(protocol, joined.members) : new Map<string, Buffer>()
    const synced = await this.#ask(this.#joinLane, syncGroup, rebalanceTimeoutMs + answerTimeoutMs, signal, {
      groupId,
      generationId: joined.generationId,
      memberId: joined.memberId,
      protocolType,
      protocolName: protocol,
      assignments: [...assignments].map(([memberId, assignment]) => ({ memberId, assignment })),
    })
    this.#checkSync(synced.errorCode)
    const { generationId, memberId, leader: leaderId } = joined
    return { generationId, memberId, leaderId, isLeader, protocol, assignment: synced.assignment }
  }

  #checkJoin({ errorCode, memberId }: Joined): void {
    if (errorCode === errorCodes.NONE) return
    if (errorCode === errorCodes.MEMBER_ID_REQUIRED) {
      this.#memberId = memberId
      throw new JoinAgainError('the coordinator gave a member id')
    }
    this.#checkMembership(errorCode, 'JoinGroup')
  }

  #checkSync(errorCode: number): void {
    if (errorCode !== errorCodes.NONE) this.#checkMembership(errorCode, 'SyncGroup')
  }

  /** @throws always: what to do about an error code of a join. */
  #checkMembership(code: number, what: string): never {
    const { groupId } = this.#options
    if (membershipLost.has(code)) {
      if (code !== errorCodes.ILLEGAL_GENERATION) this.#memberId = ''
      throw new JoinAgainError(`${what} answered ${errorName(code)}`)
    }
    if (code === errorCodes.REBALANCE_IN_PROGRESS) throw new JoinAgainError('another rebalance began')
    if (coordinatorMoved.has(code)) this.#cluster.forgetCoordinator(groupId)
    throw new BrokerError(code, `${what} of group ${groupId}`)
  }

  async #ask<A extends Api>(
    lane: string,
    api: A,
    timeoutMs: number,
    signal: AbortSignal | undefined,
    request: RequestValue<A>,
  ): Promise<ResponseOf<A>> {
    const nodeId = await this.#cluster.coordinatorOf(this.#options.groupId, signal)
    const connection = await this.#cluster.connection(nodeId, lane, signal)
    return connection.send(api, request, { timeoutMs, signal })
  }

  #startHeartbeats(membership: Membership): void {
    this.#heartbeats?.abort()
    const stop = new AbortController()
    this.#heartbeats = stop
    this.#lastHeartbeatAt = this.#cluster.clock.monotonic()
    void this.#beat(membership, stop.signal).catch((error: unknown) => {
      if (stop.signal.aborted || this.#cluster.isClosed) return
      this.#forget(errorMessage(error))
    })
  }

  async #beat({ generationId, memberId }: Membership, signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#cluster
    const { groupId, heartbeatIntervalMs } = this.#options
    for (let waitMs = heartbeatIntervalMs; !signal.aborted;) {
      await clock.sleep(waitMs, signal)
      waitMs = heartbeatIntervalMs
      try {
        const request = { groupId, generationId, memberId }
        const { errorCode } = await this.#ask(this.#heartbeatLane, heartbeat, answerTimeoutMs, signal, request)
        this.#options.onReached?.(null)
        if (signal.aborted || !this.#heard(errorCode)) return
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

  /** Whether heartbeats go on after this answer. */
  #heard(code: number): boolean {
    const { groupId } = this.#options
    if (membershipLost.has(code)) {
      if (code !== errorCodes.ILLEGAL_GENERATION) this.#memberId = ''
      this.#forget(`the coordinator answered ${errorName(code)}`)
      return false
    }
    if (code === errorCodes.NONE || code === errorCodes.REBALANCE_IN_PROGRESS)
      this.#lastHeartbeatAt = this.#cluster.clock.monotonic()
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
