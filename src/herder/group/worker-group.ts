import type { GroupMember, Generation, MemberMetadata } from '../../client/group/group-member.ts'
import type { Clock } from '../../foundation/clock.ts'
import { deferred, type Deferred } from '../../foundation/async/deferred.ts'
import type { Logger } from '../../foundation/logging/logger.ts'
import { errorMessage } from '../../foundation/error-message.ts'
import { nothingAssigned, type ConnectorsAndTasks } from './assignment.ts'
import { applyDelta, assignWork, type AssignmentDelta } from './assignor.ts'
import {
  decodeAssignment,
  decodeMetadata,
  encodeAssignment,
  encodeMetadata,
  type WorkerAssignment,
} from './group-protocol.ts'

/** The configuration as this worker has read it. */
export interface ConfigSnapshot {
  /** The offset after the last record of the config topic that was applied. */
  readonly offset: number
  /** All configured connectors and tasks. */
  readonly work: ConnectorsAndTasks
}

/** The outcome of a rebalance for this worker. */
export interface Membership {
  /** -1 while the worker is no member of the group. */
  readonly generation: number
  readonly isLeader: boolean
  /** Null while no leader is known. */
  readonly leaderUrl: string | null
  /** Everything that is assigned to this worker. */
  readonly work: ConnectorsAndTasks
}

/** What the herder does for the group. */
export interface WorkerGroupHandlers {
  readonly snapshot: () => ConfigSnapshot
  /** Reads the config topic to its end, within a deadline. */
  readonly catchUp: () => Promise<void>
  /** Applies the assignment; resolves when what was revoked has stopped. */
  readonly onMembership: (membership: Membership) => Promise<void>
}

export interface WorkerGroupOptions extends WorkerGroupHandlers {
  /** This worker's REST URL, with a slash at its end. */
  readonly url: string
  readonly clock: Clock
  readonly logger: Logger
}

/** The group protocols and their versions, preferred first. Version 0 (eager) is not supported. */
const protocols = [
  { name: 'sessioned', version: 2 },
  { name: 'compatible', version: 1 },
] as const
const catchUpPauseMs = 100
const joinRetryMs = 1000

/**
 * The membership of this worker in its group: joins, takes part in rebalances, and as the leader assigns. Each join
 * reports what the worker still runs; revoked connectors and tasks have stopped before that (I3).
 */
export class WorkerGroup {
  readonly #member: GroupMember
  readonly #options: WorkerGroupOptions
  readonly #closing = new AbortController()
  #assigned: ConnectorsAndTasks = nothingAssigned
  #last: WorkerAssignment | null = null
  #wake: Deferred<void> | null = null
  #lost = false
  /** Whether this worker, as the leader, revoked something that the next rebalance has to assign. */
  #hasRevoked = false
  #running: Promise<void> | null = null

  /** @param createMember creates the member; its arguments are what it sends to the group */
  constructor(
    createMember: (group: {
      readonly protocols: () => { name: string; metadata: Buffer }[]
      readonly assign: (protocol: string, members: readonly MemberMetadata[]) => Promise<Map<string, Buffer>>
      readonly onRejoinNeeded: (reason: string, lost: boolean) => void
    }) => GroupMember,
    options: WorkerGroupOptions,
  ) {
    this.#options = options
    this.#member = createMember({
      protocols: () => protocols.map(({ name, version }) => ({ name, metadata: this.#metadata(version) })),
      assign: async (protocol, members) => await this.#assign(protocol, members),
      onRejoinNeeded: (_reason, lost) => {
        this.#lost ||= lost
        this.#wake?.resolve()
      },
    })
  }

  /** Joins the group, and joins again at each rebalance until {@link close}. */
  start(): void {
    this.#running = this.#run()
  }

  /** Asks for a rebalance, because what is configured differs from what is assigned. */
  requestRebalance(reason: string): void {
    this.#member.requestRejoin(reason)
  }

  /** Leaves the group; stop connectors and tasks before. */
  async close(): Promise<void> {
    this.#closing.abort()
    this.#wake?.resolve()
    await this.#running
    await this.#member.leave('the worker is stopping')
  }

  async #run(): Promise<void> {
    while (!this.#closing.signal.aborted) {
      if (this.#member.rejoinReason === null) {
        this.#wake = deferred<void>()
        await this.#wake.promise
        this.#wake = null
        continue
      }
      try {
        if (this.#lost) await this.#stopEverything()
        await this.#join()
      } catch (error) {
        if (this.#closing.signal.aborted) return
        const retry = `retrying in ${joinRetryMs / 1000} s`
        this.#options.logger.error(`failed to join the worker group, ${retry}: ${errorMessage(error)}`, { error })
        await this.#options.clock.sleep(joinRetryMs, this.#closing.signal).catch(() => undefined)
      }
    }
  }

  /** The group has removed this member. Other members may be assigned its work, so it stops before this one rejoins (I3). */
  async #stopEverything(): Promise<void> {
    this.#lost = false
    this.#options.logger.warn('this worker was removed from the group; it stops its connectors and tasks, and rejoins')
    this.#assigned = nothingAssigned
    this.#last = null
    await this.#options.onMembership({ generation: -1, isLeader: false, leaderUrl: null, work: nothingAssigned })
  }

  async #join(): Promise<void> {
    const generation = await this.#member.join(this.#closing.signal)
    const assignment = decodeAssignment(generation.assignment)
    if (assignment.error !== 'none' || this.#options.snapshot().offset < assignment.configOffset) {
      await this.#options.catchUp()
      if (this.#options.snapshot().offset < assignment.configOffset) {
        await this.#options.clock.sleep(catchUpPauseMs, this.#closing.signal)
        this.#member.requestRejoin('this worker has not read the config topic as far as the leader')
        return
      }
    }
    this.#assigned = applyDelta(this.#assigned, assignment)
    this.#last = { ...assignment, assigned: this.#assigned, revoked: nothingAssigned }
    await this.#options.onMembership(membershipOf(generation, assignment, this.#assigned))
    const wasRevoked = assignment.revoked.connectors.length + assignment.revoked.tasks.length > 0
    if (wasRevoked || this.#hasRevoked) this.#member.requestRejoin('revoked connectors and tasks can be assigned')
  }

  #metadata(version: number): Buffer {
    const { url, snapshot } = this.#options
    const allocation = this.#last === null ? null : { ...this.#last, version }
    return encodeMetadata({ version, url, configOffset: snapshot().offset, allocation })
  }

  /** On the leader: assigns. If a member has read further in the config topic, the leader catches up first. */
  async #assign(protocol: string, members: readonly MemberMetadata[]): Promise<Map<string, Buffer>> {
    const version = protocols.find(({ name }) => name === protocol)?.version ?? 1
    const workers = members.map(({ memberId, metadata }) => ({ memberId, ...decodeMetadata(metadata) }))
    const maxOffset = Math.max(...workers.map(({ configOffset }) => configOffset))
    const { snapshot, catchUp, url } = this.#options
    if (snapshot().offset < maxOffset) await catchUp()
    const { offset, work } = snapshot()
    const leader = workers.find((worker) => worker.url === url)?.memberId ?? ''
    const known = workers.map(({ memberId, allocation }) => ({
      memberId,
      held: allocation?.assigned ?? nothingAssigned,
    }))
    const isBehind = offset < maxOffset
    const deltas = isBehind ? null : assignWork(leader, known, work)
    this.#hasRevoked =
      deltas !== null &&
      [...deltas.values()].some(({ revoked }) => revoked.connectors.length + revoked.tasks.length > 0)
    return new Map(
      workers.map(({ memberId }) => {
        const delta: AssignmentDelta = deltas?.get(memberId) ?? { assigned: nothingAssigned, revoked: nothingAssigned }
        const assignment: WorkerAssignment = {
          version,
          error: isBehind ? 'config-mismatch' : 'none',
          leader,
          leaderUrl: url,
          configOffset: isBehind ? maxOffset : offset,
          ...delta,
          delayMs: 0,
        }
        return [memberId, encodeAssignment(assignment)]
      }),
    )
  }
}

function membershipOf(generation: Generation, assignment: WorkerAssignment, work: ConnectorsAndTasks): Membership {
  return {
    generation: generation.generationId,
    isLeader: generation.isLeader,
    leaderUrl: assignment.leaderUrl === '' ? null : assignment.leaderUrl,
    work,
  }
}
