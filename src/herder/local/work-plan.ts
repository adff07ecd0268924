import type { TargetState } from '../../config/connector/target-state.ts'
import { type TaskId, formatTaskId } from '../../config/connector/task-id.ts'
import type { RawConfig } from '../../api/config-def.ts'
import type { ConfigFold } from '../config-fold.ts'
import type { WorkSet } from '../group/assignment.ts'

/** A connector instance of this worker, also one that failed: a failed one waits for a restart or a change. */
export interface RunningConnector {
  readonly config: RawConfig
  readonly targetState: TargetState
}

/** A task of this worker, also one that failed. */
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

/** What has to happen for this worker to run what it should, in the order in which it has to. */
export interface WorkPlan {
  readonly stopTasks: readonly TaskId[]
  readonly stopConnectors: readonly string[]
  /** Connectors to start, start again with another config, or bring to another target state. */
  readonly startConnectors: readonly string[]
  readonly startTasks: readonly TaskId[]
  readonly pauseTasks: readonly TaskId[]
  readonly resumeTasks: readonly TaskId[]
}

/** Compares what runs with what the configuration and the assignment ask for. */
export function planWork(fold: ConfigFold, assigned: WorkSet, running: RunningWork): WorkPlan {
  const wanted = new Set(assigned.connectors.filter((name) => fold.has(name)))
  const wantedTasks = new Map(
    assigned.tasks.filter((id) => shouldRun(fold, id)).map((id) => [formatTaskId(id), id] as const),
  )
  const stopTasks: TaskId[] = []
  const pauseTasks: TaskId[] = []
  const resumeTasks: TaskId[] = []
  const kept = new Set<string>()
  for (const [name, task] of running.tasks) {
    if (!wantedTasks.has(name) || task.generation !== fold.taskGeneration(task.id.connector)) {
      stopTasks.push(task.id)
      continue
    }
    kept.add(name)
    const pause = fold.targetState(task.id.connector) === 'PAUSED'
    if (pause && !task.paused) pauseTasks.push(task.id)
    if (!pause && task.paused) resumeTasks.push(task.id)
  }
  return {
    stopTasks,
    pauseTasks,
    resumeTasks,
    stopConnectors: [...running.connectors.keys()].filter((name) => !wanted.has(name)),
    startConnectors: [...wanted].filter((name) => needsStart(fold, name, running.connectors.get(name))),
    startTasks: [...wantedTasks].filter(([name]) => !kept.has(name)).map(([, id]) => id),
  }
}

/** A stopped connector has no tasks, even before its empty set is committed. */
function shouldRun(fold: ConfigFold, { connector, task }: TaskId): boolean {
  return task < fold.tasks(connector).length && fold.targetState(connector) !== 'STOPPED'
}

/** A config record starts its connector again even when it says the same, as Connect does: each has its own object. */
function needsStart(fold: ConfigFold, name: string, running: RunningConnector | undefined): boolean {
  return running === undefined || running.config !== fold.config(name) || running.targetState !== fold.targetState(name)
}
