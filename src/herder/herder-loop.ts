import type { TaskId } from '../config/connector/task-id.ts'
import type { Clock } from '../foundation/clock.ts'
import { deferred, type Deferred } from '../foundation/async/deferred.ts'
import type { Logger } from '../foundation/logging/logger.ts'
import { errorMessage } from '../foundation/error-message.ts'
import { abortable } from '../foundation/async/abortable.ts'
import { SerialLock } from '../runtime/serial-lock.ts'
import type { Lease } from '../runtime/thread/lease.ts'
import type { RestartRequest } from './entities/restart-request.ts'
import type { WorkerHealth } from './entities/worker-health.ts'
import type { ConfigSnapshot } from './group/group-leader.ts'
import { noMembership, type AppliedMembership, type Membership, type WorkerGroup } from './group/worker-group.ts'
import type { HerderReads } from './herder-reads.ts'
import type { AssignedTasks } from './local/assigned-tasks.ts'
import type { AssignmentReconciler } from './local/assignment-reconciler.ts'
import type { ConnectorInstances } from './local/connector-instances.ts'
import { WorkerStartingError, WorkerStoppingError } from './herder-errors.ts'
import { planRestart } from './restart-plan.ts'
import type { InstanceRecord } from '../storage/status-backing-store.ts'
import { unusableMessage, type ClusterConfigState, type ConfigChange } from './state/cluster-config-state.ts'
import { groupKey, type RecentEvents } from './state/recent-times.ts'
import type { WorkerStatusStore } from './state/worker-status-store.ts'
import { TickThreadStage } from './tick-thread-stage.ts'

export interface HerderLoopOptions {
  readonly configState: ClusterConfigState
  readonly statuses: WorkerStatusStore
  readonly reads: HerderReads
  readonly connectors: ConnectorInstances
  readonly tasks: AssignedTasks
  readonly reconciler: AssignmentReconciler
  /** Until when this worker may act as a member of its group. */
  readonly lease: Pick<Lease, 'isValid'>
  readonly recent: Pick<RecentEvents, 'rebalances'>
  readonly clock: Clock
  readonly logger: Logger
  readonly group: () => Pick<WorkerGroup, 'checkConfigured' | 'released'>
}

/** How often a lease that has ended is looked at, and how long a request waits for it. Milliseconds. */
const leasePollMs = 100
const leaseWaitMs = 30_000

/**
 * Follows the config topic and the worker group, and applies both to what this worker runs (Kafka: the herder's tick
 * thread). Everything that changes what is to run goes through one lock, inside which nothing waits for a plugin.
 */
export class HerderLoop {
  readonly #options: HerderLoopOptions
  readonly #lock = new SerialLock()
  readonly #stage: TickThreadStage
  #membership: Membership = noMembership
  #joined: Deferred<void> = deferred<void>()
  /** Whether the first assignment has been applied. */
  #ready = false
  #stopping = false
  #reconcileRequested = false
  /** Where the config topic ended at the last rebalance. */
  #rebalancedAt = -1

  constructor(options: HerderLoopOptions) {
    this.#options = options
    this.#stage = new TickThreadStage(options.clock)
  }

  get membership(): Membership {
    return this.#membership
  }

  get isStopping(): boolean {
    return this.#stopping
  }

  /**
   * The membership; waits until this worker is a member of its group, and has heard from it lately: the membership of a worker
   * that was suspended may have ended.
   * @throws WorkerStartingError, WorkerStoppingError
   */
  async joinedMembership(): Promise<Membership> {
    const { lease, clock } = this.#options
    for (let waitedMs = 0; ; waitedMs += leasePollMs) {
      while (this.#membership.generation < 0) await this.#joined.promise
      if (lease.isValid) return this.#membership
      if (this.#stopping) throw new WorkerStoppingError()
      if (waitedMs >= leaseWaitMs)
        throw new WorkerStartingError(
          'This worker has not heard from its group for session.timeout.ms, and writes nothing until it has: the broker ' +
            'that coordinates the group does not respond. GET /health says more',
        )
      await clock.sleep(leasePollMs)
    }
  }

  /** What the whole group is to run, by the config topic (I4). */
  snapshot(): ConfigSnapshot {
    const { configState } = this.#options
    const connectors = configState.connectors()
    const tasks = connectors.flatMap((connector) =>
      configState.tasks(connector).map((_, task) => ({ connector, task })),
    )
    return { offset: configState.offset, work: { connectors, tasks } }
  }

  /** Applies the outcome of a rebalance. */
  async onMembership(membership: Membership): Promise<AppliedMembership> {
    const { statuses, reconciler } = this.#options
    this.#countRebalance(membership)
    const wasMember = this.#membership.generation >= 0
    this.#membership = membership
    if (membership.generation >= 0) this.#joined.resolve()
    // Requests may wait already: a worker can lose a membership that it has not applied.
    else if (wasMember) this.#joined = deferred<void>()
    statuses.setGeneration(membership.generation)
    let released = Promise.resolve()
    await this.#exclusively('applying an assignment', () => {
      if (!this.#stopping) released = reconciler.reconcile(membership.work)
      this.#updateUnownedStatuses()
    })
    this.#ready ||= membership.generation >= 0
    return { released }
  }

  /** A rebalance that no record of the config topic explains may be one of a loop. */
  #countRebalance({ generation }: Membership): void {
    const { configState, recent, clock } = this.#options
    if (generation >= 0 && configState.offset === this.#rebalancedAt) recent.rebalances.add(groupKey, clock.monotonic())
    this.#rebalancedAt = configState.offset
  }

  /** The config state has changed. */
  onConfigChange(change: ConfigChange): void {
    if (this.#stopping) return
    if (change.type === 'restart') {
      void this.#exclusively(`restarting ${change.connector}`, () => this.#restartAssigned(change))
      return
    }
    const { configState, connectors, group } = this.#options
    group().checkConfigured()
    // The writes of two workers have mixed, as those of a leader that was cut off: the set is generated again.
    if (change.type === 'tasks' && configState.isInconsistent(change.connector))
      connectors.onReconfigure(change.connector)
    if (this.#reconcileRequested) return
    this.#reconcileRequested = true
    void this.#exclusively('applying the configuration', () => {
      this.#reconcileRequested = false
      void this.#options.reconciler.reconcile()
      this.#updateUnownedStatuses()
    })
  }

  /** A status was read. That of what is not configured any more may come late: its worker had not read so. */
  onStatus(status: InstanceRecord): void {
    if (!this.#isLeading || this.#stopping) return
    if (status.type === 'connector') this.#removeUnknownConnector(status.connector)
    else this.#removeUnknownTask({ connector: status.connector, task: status.task })
  }

  /** Resolves when the tasks of a connector that the config state shows as stopped have ended, on all workers of the group. */
  async tasksEnded(connector: string): Promise<void> {
    await this.#lock.run(async () => undefined)
    await this.#options.tasks.ended(connector)
    await this.#options.group().released(connector)
  }

  /** Stops everything that runs here, gracefully as far as the time allows (I9). */
  async stop(): Promise<void> {
    this.#stopping = true
    await this.#exclusively('stopping', async () => await this.#options.reconciler.stopAll())
  }

  async health(signal: AbortSignal): Promise<WorkerHealth> {
    try {
      await abortable(
        this.#lock.run(async () => undefined),
        signal,
      )
      return this.#ready ? { status: 'healthy' } : { status: 'starting', stage: this.stage() }
    } catch (error) {
      if (!signal.aborted) throw error
      return { status: this.#ready ? 'unhealthy' : 'starting', stage: this.stage() }
    }
  }

  stage(): string {
    return this.#stage.toString()
  }

  /** Carries out this worker's part of a restart request. */
  #restartAssigned(request: RestartRequest): void {
    const { statuses, reads, connectors, tasks, logger } = this.#options
    const { connector } = request
    if (statuses.connector(connector) === null) return
    const plan = planRestart(request, reads.connectorStatus(connector))
    if (plan.connector.state === 'RESTARTING' && connectors.has(connector)) {
      statuses.putConnector(connector, 'RESTARTING', null)
      connectors.restartConnector(connector).catch((error: unknown) => {
        logger.warn(`connector ${connector} did not start after its restart: ${errorMessage(error)}`)
      })
    }
    for (const task of plan.tasks) {
      const id = { connector, task: task.id }
      if (task.state !== 'RESTARTING' || !tasks.has(id)) continue
      statuses.putTask(id, 'RESTARTING', null)
      void tasks.restartTask(id)
    }
  }

  /** Whether this worker leads and knows the configuration. One that was suspended may know an old one. */
  get #isLeading(): boolean {
    return this.#membership.isLeader && this.#options.lease.isValid
  }

  /** On the leader: shows connectors that cannot run, and removes the statuses of what is not configured any more. */
  #updateUnownedStatuses(): void {
    if (!this.#isLeading) return
    const { configState, statuses, logger } = this.#options
    for (const [name, unusable] of configState.unusable()) {
      const message = unusableMessage(name, unusable)
      if (statuses.connector(name)?.trace === message) continue
      logger.error(message)
      statuses.putConnector(name, 'FAILED', message)
    }
    const known = statuses.known()
    for (const name of known.connectors) this.#removeUnknownConnector(name)
    for (const id of known.tasks) this.#removeUnknownTask(id)
  }

  #removeUnknownConnector(name: string): void {
    const { configState, statuses } = this.#options
    if (!configState.has(name) && !configState.unusable().has(name)) statuses.removeConnector(name)
  }

  #removeUnknownTask(id: TaskId): void {
    const { configState, statuses } = this.#options
    if (id.task >= configState.taskCount(id.connector)) statuses.removeTask(id)
  }

  /** Runs actions one at a time. An exception here is a bug: it is logged, and the loop continues. */
  async #exclusively(what: string, action: () => Promise<void> | void): Promise<void> {
    await this.#lock.run(async () => {
      try {
        await this.#stage.during(what, async () => await action())
      } catch (error) {
        this.#options.logger.error(`${what} failed: ${errorMessage(error)}`, { error })
      }
    })
  }
}
