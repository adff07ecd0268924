import type { TaskId } from '../../config/connector/task-id.ts'
import { isEmpty, nothingAssigned, type ConnectorsAndTasks } from '../group/assignment.ts'
import type { ClusterConfigState } from '../state/cluster-config-state.ts'
import type { AssignedTasks } from './assigned-tasks.ts'
import type { Ending } from './endings.ts'
import type { ConnectorInstances } from './connector-instances.ts'
import type { KeyedQueues } from './keyed-queues.ts'
import { planWork } from './work-plan.ts'

export interface AssignmentReconcilerOptions {
  readonly configState: ClusterConfigState
  readonly connectors: ConnectorInstances
  readonly tasks: AssignedTasks
  /** Those of the connectors and tasks. */
  readonly queues: KeyedQueues
}

/**
 * Starts, stops, pauses and resumes connectors and tasks until this worker runs what the configuration and its
 * assignment ask for. The decision is immediate; each connector and task carries it out in its own queue.
 */
export class AssignmentReconciler {
  readonly #options: AssignmentReconcilerOptions
  #assignment: ConnectorsAndTasks = nothingAssigned

  constructor(options: AssignmentReconcilerOptions) {
    this.#options = options
  }

  /**
   * Begins what is needed to run `assignment`. The promise resolves when everything has stopped that another worker may
   * be given. It does not cover what starts again on this worker, nor what is no longer configured, unless nothing is assigned to
   * this worker: then it may be no member, and does not report what it stops.
   */
  reconcile(assignment: ConnectorsAndTasks = this.#assignment): Promise<void> {
    this.#assignment = assignment
    const { configState, connectors, tasks } = this.#options
    const plan = planWork(configState, assignment, { connectors: connectors.assigned, tasks: tasks.assigned })
    for (const id of plan.stopTasks) void tasks.stopTask(id)
    for (const name of plan.stopConnectors) void connectors.stopConnector(name)
    // The status of the connector shows a failure.
    for (const name of plan.startConnectors) void connectors.startConnector(name).catch(() => undefined)
    for (const id of plan.pauseTasks) tasks.setPaused(id, true)
    for (const id of plan.resumeTasks) tasks.setPaused(id, false)
    for (const id of plan.startTasks) tasks.startTask(id)
    return this.#released()
  }

  /** What stops, and is not to run on this worker any more. */
  stopping(): ConnectorsAndTasks {
    const { connectors, tasks } = this.#leaving()
    return { connectors: connectors.map(({ item }) => item), tasks: tasks.map(({ item }) => item) }
  }

  async #released(): Promise<void> {
    const { configState } = this.#options
    const { connectors, tasks } = this.#leaving()
    const isIdle = isEmpty(this.#assignment)
    const released = [
      ...connectors.filter(({ item }) => isIdle || configState.has(item)),
      ...tasks.filter(({ item }) => isIdle || item.task < configState.taskCount(item.connector)),
    ]
    await Promise.all(released.map(({ ended }) => ended))
  }

  #leaving(): { readonly connectors: readonly Ending<string>[]; readonly tasks: readonly Ending<TaskId>[] } {
    const { connectors, tasks } = this.#options
    return {
      connectors: connectors.stopping.filter(({ item }) => !connectors.has(item)),
      tasks: tasks.stopping.filter(({ item }) => !tasks.has(item)),
    }
  }

  /** Stops everything, gracefully as far as the time allows. */
  async stopAll(): Promise<void> {
    void this.reconcile(nothingAssigned)
    await this.#options.queues.idle()
  }
}
