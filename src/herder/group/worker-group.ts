import { MembershipLostError } from '../../client/errors.ts'
import type { GroupMember } from '../../client/group/group-member.ts'
import type { Generation, GroupMemberOptions, GroupProtocol } from '../../client/group/group-member-options.ts'
import type { TaskId } from '../../config/connector/task-id.ts'
import { backoffMs } from '../../foundation/async/backoff.ts'
import { deferred, type Deferred } from '../../foundation/async/deferred.ts'
import { errorMessage } from '../../foundation/error-message.ts'
import type { Logger } from '../../foundation/logging/logger.ts'
import type { Lease } from '../../runtime/thread/lease.ts'
import {
  applyDelta,
  isEmpty,
  keysOf,
  nothingAssigned,
  sameWork,
  union,
  within,
  type ConnectorsAndTasks,
} from './assignment.ts'
import { ConfigTopicCheck, type ConfigTopicCheckOptions } from './config-topic-check.ts'
import { GroupLeader, type GroupLeaderOptions } from './group-leader.ts'
import {
  decodeAssignment,
  encodeMetadata,
  groupProtocols,
  type GroupProtocolName,
  type WorkerAssignment,
} from './group-protocol.ts'

/** The outcome of a rebalance for this worker. */
export interface Membership {
  /** -1 while the worker is no member of the group. */
  readonly generation: number
  readonly isLeader: boolean
  /** Null while no leader is known. */
  readonly leaderUrl: string | null
  /** Whether the group has chosen a protocol in which requests between workers are signed (KIP-507). */
  readonly isSigned: boolean
  /** Everything that is assigned to this worker. */
  readonly work: ConnectorsAndTasks
}

/** An assignment is applied: what it revokes stops. */
export interface AppliedMembership {
  /** Resolves when what was revoked, and is still configured, has stopped. */
  readonly released: Promise<void>
}

/** What the herder does for the group. */
export interface WorkerGroupHandlers extends Pick<GroupLeaderOptions, 'snapshot' | 'catchUp' | 'classOf'> {
  /** What stops, and is not assigned to this worker any more. */
  readonly stopping: () => ConnectorsAndTasks
  readonly onMembership: (membership: Membership) => Promise<AppliedMembership>
}

export interface WorkerGroupOptions extends WorkerGroupHandlers, GroupLeaderOptions, ConfigTopicCheckOptions {
  /** How long the worker may act upon its assignment. */
  readonly lease: Pick<Lease, 'extend' | 'end'>
  /** The newest protocol that this worker offers (`connect.protocol`). */
  readonly protocol: GroupProtocolName
  readonly logger: Logger
}

/** Between two joins of a worker that has read the config topic less far than another. */
const behindBackoff = { initialMs: 100, maxMs: 10_000 }
const joinRetryMs = 1000
const releasePauseMs = 100
/** That of a worker that is no member of the group. */
export const noMembership: Membership = {
  generation: -1,
  isLeader: false,
  leaderUrl: null,
  isSigned: false,
  work: nothingAssigned,
}

/**
 * The membership of this worker in its group: joins, takes part in rebalances, and as the leader assigns. A join reports
 * what the worker runs, and what it has not finished stopping: no other worker is given either (I3).
 */
export class WorkerGroup {
  readonly #member: GroupMember
  readonly #options: WorkerGroupOptions
  readonly #leader: GroupLeader
  readonly #configTopic: ConfigTopicCheck
  readonly #closing = new AbortController()
  /** How many joins in a row have found that members have read the config topic to different offsets. */
  #mismatches = 0
  /** What the last join reported. */
  #reported: ConnectorsAndTasks = nothingAssigned
  #assigned: ConnectorsAndTasks = nothingAssigned
  /** What was configured in the last rebalance, as far as this worker knows. */
  #seen: ConnectorsAndTasks | null = null
  #last: WorkerAssignment | null = null
  #wake: Deferred<void> | null = null
  #rebalanced: Deferred<void> = deferred<void>()
  #lost = false
  #cancelDelay = (): void => undefined
  #running: Promise<void> | null = null

  /** @param createMember creates the member; its arguments are what it sends to the group */
  constructor(
    createMember: (
      group: Required<Pick<GroupMemberOptions, 'protocols' | 'assign' | 'keepsWork' | 'onRejoinNeeded' | 'onAlive'>>,
    ) => GroupMember,
    options: WorkerGroupOptions,
  ) {
    this.#options = options
    this.#leader = new GroupLeader(options, () => {
      this.#member.requestRejoin('a member lacks the class of a connector that it was assigned')
    })
    this.#configTopic = new ConfigTopicCheck(options)
    this.#member = createMember({
      protocols: () => this.#protocols(),
      assign: async (_protocol, members, memberId) => await this.#leader.assign(memberId, members),
      keepsWork: true,
      onAlive: (sessionMs) => options.lease.extend(sessionMs),
      onRejoinNeeded: (_reason, lost) => {
        if (lost) options.lease.end()
        this.#lost ||= lost
        this.#wake?.resolve()
      },
    })
  }

  /** Joins the group, and joins again at each rebalance until {@link close}. */
  start(): void {
    this.#running = this.#run()
  }

  /**
   * Asks for a rebalance when other connectors and tasks are configured than in the last one. Each worker does, as the others
   * would learn only from their next heartbeat.
   */
  checkConfigured(): void {
    const configured = this.#leader.configured ?? this.#seen
    if (configured === null || sameWork(this.#options.snapshot().work, configured)) return
    this.#member.requestRejoin('the configured connectors and tasks have changed')
  }

  /** The REST URL of the worker that runs a connector; null when it is not known: only the leader knows. */
  ownerOfConnector(name: string): string | null {
    return this.#leader.ownerOfConnector(name)
  }

  /** As {@link ownerOfConnector}. */
  ownerOfTask(id: TaskId): string | null {
    return this.#leader.ownerOfTask(id)
  }

  /**
   * On the leader: rebalances until no other worker runs or stops tasks of a connector that is to run none. Returns early when
   * this worker no longer leads.
   */
  async released(connector: string): Promise<void> {
    const holds = (work: ConnectorsAndTasks | null): boolean =>
      work === null || work.tasks.some((id) => id.connector === connector)
    while (this.#leader.held.length > 1 && !this.#closing.signal.aborted) {
      const { promise } = this.#rebalanced
      this.#member.requestRejoin(`the tasks of ${connector} have to end`)
      await promise
      if (!holds(this.#leader.configured) && !this.#leader.held.some(holds)) return
      await this.#options.clock.sleep(releasePauseMs, this.#closing.signal)
    }
  }

  /** Leaves the group; stop connectors and tasks before. */
  async close(): Promise<void> {
    this.#closing.abort()
    this.#cancelDelay()
    this.#wake?.resolve()
    this.#rebalanced.resolve()
    await this.#running
    this.#leader.resign()
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
        await this.#stopBeforeJoin()
        await this.#join()
      } catch (error) {
        if (this.#closing.signal.aborted) return
        if (error instanceof MembershipLostError) continue
        const retry = `retrying in ${joinRetryMs / 1000} s`
        this.#options.logger.error(`failed to join the worker group, ${retry}: ${errorMessage(error)}`, { error })
        await this.#options.clock.sleep(joinRetryMs, this.#closing.signal).catch(() => undefined)
        this.#member.requestRejoin('the last assignment was not applied')
      }
    }
  }

  /**
   * A member that the group has removed stops everything before it rejoins, as its work may be assigned to others (I3). In the
   * eager protocol, each member does so in each rebalance.
   */
  async #stopBeforeJoin(): Promise<void> {
    const isEager = this.#last?.version === 0 && !isEmpty(this.#assigned)
    if (!this.#lost && !isEager) return
    if (this.#lost)
      this.#options.logger.warn(
        'this worker was removed from the group; it stops its connectors and tasks, and rejoins',
      )
    this.#lost = false
    this.#assigned = nothingAssigned
    this.#last = null
    this.#leader.resign()
    const { released } = await this.#options.onMembership(noMembership)
    await released
  }

  async #join(): Promise<void> {
    this.#cancelDelay()
    const generation = await this.#member.join(this.#closing.signal)
    if (this.#lost && !isEmpty(this.#assigned)) {
      this.#member.requestRejoin('this worker was removed from the group while it joined')
      return
    }
    // A loss while it held nothing is over with the join.
    this.#lost = false
    const assignment = decodeAssignment(generation.assignment)
    if (generation.isLeader) this.#leader.completed()
    else this.#leader.resign()
    if (!(await this.#readAsFar(assignment))) {
      this.#member.requestRejoin('a member has not read the config topic as far as another')
      return
    }
    // The group may have removed this worker while it read.
    if (this.#lost) return
    const { offset, work } = this.#options.snapshot()
    if (offset === assignment.configOffset) this.#seen = work
    this.#assigned = assignment.version === 0 ? assignment.assigned : applyDelta(this.#reported, assignment)
    this.#last = assignment
    if (offset === assignment.configOffset) this.#configTopic.assigned(this.#assigned, { offset, work })
    else this.#configTopic.passed()
    const { released } = await this.#options.onMembership(membershipOf(generation, assignment, this.#assigned))
    this.#rebalanced.resolve()
    this.#rebalanced = deferred<void>()
    if (assignment.delayMs > 0) this.#rejoinAfter(assignment.delayMs)
    // No other worker is given what is not configured any more: that it has stopped changes nothing for the group.
    if (!isEmpty(within(assignment.revoked, keysOf(work)))) void this.#offerReleased(released, generation)
    // The config topic may have changed after the leader had decided.
    this.checkConfigured()
  }

  /** Whether this worker and its leader have read the config topic as far as all members. If not, waits before the next join. */
  async #readAsFar({ error, configOffset }: WorkerAssignment): Promise<boolean> {
    const { snapshot, catchUp, clock, logger } = this.#options
    const isBehind = (): boolean => snapshot().offset < configOffset
    if (error !== 'none' || isBehind()) await catchUp()
    if (error === 'none' && !isBehind()) {
      this.#mismatches = 0
      return true
    }
    this.#mismatches += 1
    if (isBehind()) this.#configTopic.endsBefore(configOffset, snapshot())
    else this.#configTopic.passed()
    const waitMs = Math.round(backoffMs(behindBackoff, this.#mismatches))
    const who = error === 'none' ? 'this worker' : 'the leader'
    logger.info(
      `the assignment is not applied, as ${who} has not read the config topic to ${configOffset} (this worker: ` +
        `${snapshot().offset}); joining again in ${waitMs} ms`,
    )
    await clock.sleep(waitMs, this.#closing.signal)
    return false
  }

  /** What is revoked can be assigned to others once it has stopped. */
  async #offerReleased(released: Promise<void>, { generationId }: Generation): Promise<void> {
    await released
    if (this.#member.generation?.generationId === generationId)
      this.#member.requestRejoin('what was revoked has stopped')
  }

  #rejoinAfter(delayMs: number): void {
    this.#cancelDelay = this.#options.clock.after(delayMs, () => {
      this.#member.requestRejoin('what a lost worker ran has waited for its return')
    })
  }

  #protocols(): readonly GroupProtocol[] {
    const { snapshot, stopping, url, protocol } = this.#options
    const { offset, work } = snapshot()
    this.#seen = work
    this.#reported = union(this.#assigned, stopping())
    const offered = groupProtocols.slice(groupProtocols.findIndex(({ name }) => name === protocol))
    return offered.map(({ name, version }) => ({
      name,
      metadata: encodeMetadata({ version, url, configOffset: offset, allocation: this.#allocation(version) }),
    }))
  }

  /** Everything that this worker runs or stops; null when that is nothing. */
  #allocation(version: number): WorkerAssignment | null {
    if (version === 0 || isEmpty(this.#reported)) return null
    return {
      error: 'none',
      leader: this.#last?.leader ?? '',
      leaderUrl: this.#last?.leaderUrl ?? '',
      configOffset: this.#last?.configOffset ?? -1,
      delayMs: this.#last?.delayMs ?? 0,
      version,
      assigned: this.#reported,
      revoked: nothingAssigned,
    }
  }
}

function membershipOf(generation: Generation, assignment: WorkerAssignment, work: ConnectorsAndTasks): Membership {
  return {
    generation: generation.generationId,
    isLeader: generation.isLeader,
    leaderUrl: assignment.leaderUrl === '' ? null : assignment.leaderUrl,
    isSigned: generation.protocol === 'sessioned',
    work,
  }
}
