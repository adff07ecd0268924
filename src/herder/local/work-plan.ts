import type { RawConfig } from '../../api/config-def.ts'
import type { ClusterConfigState } from '../state/cluster-config-state.ts'
import type { ConnectorsAndTasks } from '../group/assignment.ts'
import type { TargetState } from '../../config/connector/target-state.ts'
import { formatTaskId, type TaskId } from '../../config/connector/task-id.ts'

/** A connector instance of this worker. A failed one stays until it is restarted or changed. */
export interface RunningConnector {
  readonly config: RawConfig
  readonly targetState: TargetState
}

/** A task of this worker, failed or not. */
export interface RunningTask {
  readonly id: TaskId
  readonly generation: number
  readonly paused: boolean
}

/** What this worker runs. */
export interface RunningWork {
  readonly connectors: ReadonlyMap<string, RunningConnector>
  /** By the id's text. */
  readonly tasks: ReadonlyMap<string, RunningTask>
}

/** The steps after which this worker runs what it should, in their order. */
export interface WorkPlan {
  readonly stopTasks: readonly TaskId[]
  readonly stopConnectors: readonly string[]
  /** Connectors to start, to restart with another config, or to bring to another target state. */
  readonly startConnectors: readonly string[]
  readonly startTasks: readonly TaskId[]
  readonly pauseTasks: readonly TaskId[]
  readonly resumeTasks: readonly TaskId[]
}

/** Compares what runs with the configuration and the assignment. */
export function planWork(
  configState: ClusterConfigState,
  assigned: ConnectorsAndTasks,
  running: RunningWork,
): WorkPlan {
  const wanted = new Set(assigned.connectors.filter((name) => configState.has(name)))
  const wantedTasks = new Map(
    assigned.tasks.filter((id) => shouldRun(configState, id)).map((id) => [formatTaskId(id), id] as const),
  )
  const stopTasks: TaskId[] = []
  const pauseTasks: TaskId[] = []
  const resumeTasks: TaskId[] = []
  const kept = new Set<string>()
  for (const [name, task] of running.tasks) {
    if (!wantedTasks.has(name) || task.generation !== configState.taskGeneration(task.id)) {
      stopTasks.push(task.id)
      continue
    }
    kept.add(name)
    const pause = configState.targetState(task.id.connector) === 'PAUSED'
    if (pause && !task.paused) pauseTasks.push(task.id)
    if (!pause && task.paused) resumeTasks.push(task.id)
  }
  return {
    stopTasks,
    pauseTasks,
    resumeTasks,
    stopConnectors: [...running.connectors.keys()].filter((name) => !wanted.has(name)),
    startConnectors: [...wanted].filter((name) => needsStart(configState, name, running.connectors.get(name))),
    startTasks: [...wantedTasks].filter(([name]) => !kept.has(name)).map(([, id]) => id),
  }
}

/** A stopped connector runs no tasks, even before its empty set of task configs is committed. */
function shouldRun(configState: ClusterConfigState, { connector, task }: TaskId): boolean {
  return task < configState.tasks(connector).length && configState.targetState(connector) !== 'STOPPED'
}

/** As in Connect, each config record restarts its connector, even an equal one: each has its own object. */
function needsStart(configState: ClusterConfigState, name: string, running: RunningConnector | undefined): boolean {
  return (
    running === undefined ||
    running.config !== configState.config(name) ||
    running.targetState !== configState.targetState(name)
  )
}
