import type { Finding } from '../finding.ts'
import type { ConnectorObservations, ObservedTask } from '../observations.ts'
import { traceEntries } from '../trace-entries.ts'
import { findingOf } from './make-finding.ts'

/** So many restarts within the minutes that are counted are no coincidence. */
const crashLoopRestarts = 3
/** How long the first start of tasks may take without a word. Milliseconds. */
const startMs = 5000

/** What the states of a connector and its tasks say, whatever their traces do. */
export function stateFindings(observed: ConnectorObservations): readonly Finding[] {
  const { target, connector, backlog, status, tasks } = observed
  const waiting = backlog === null ? {} : { waiting_records: backlog.records }
  const waits = backlog === null || backlog.records === 0 ? '' : `; ${backlog.records} records wait for it`
  const since = observed.since(null, target)
  if (target === 'PAUSED')
    return [
      findingOf(observed, 'CONNECTOR_PAUSED', {
        cause: `connector ${connector} is paused${waits}`,
        evidence: waiting,
        since,
      }),
    ]
  if (target === 'STOPPED')
    return [
      findingOf(observed, 'CONNECTOR_STOPPED', {
        cause: `connector ${connector} is stopped${waits}`,
        evidence: waiting,
        since,
      }),
    ]
  const unassigned = status === null || status.state === 'UNASSIGNED'
  const hasFailed = status?.state === 'FAILED'
  return [
    ...(unassigned ? [notAssigned(observed)] : []),
    ...(!unassigned && !hasFailed && hasMissingTasks(observed) ? [missingTasks(observed)] : []),
    ...tasks.flatMap((task) => taskFindings(observed, task)),
  ]
}

function notAssigned(observed: ConnectorObservations): Finding {
  return findingOf(observed, 'CONNECTOR_UNASSIGNED', {
    cause: `no worker runs connector ${observed.connector} at the moment`,
    evidence: { last_worker: observed.status?.workerId ?? null },
    since: observed.since(null, 'UNASSIGNED'),
  })
}

/** The tasks of a connector that has just started follow. */
function hasMissingTasks({ tasks, configuredTasks, since, now }: ConnectorObservations): boolean {
  const startedAt = since(null, 'RUNNING')
  return tasks.length < Math.max(1, configuredTasks) && (startedAt === null || now - startedAt >= startMs)
}

function missingTasks(observed: ConnectorObservations): Finding {
  const { connector, tasks, configuredTasks, status } = observed
  const cause =
    configuredTasks === 0
      ? `connector ${connector} runs and has no tasks`
      : `${configuredTasks - tasks.length} of the ${configuredTasks} tasks of connector ${connector} have not been started`
  return findingOf(observed, 'TASKS_MISSING', {
    cause,
    evidence: { tasks: tasks.length, configured_tasks: configuredTasks, worker: status?.workerId ?? null },
  })
}

function taskFindings(observed: ConnectorObservations, task: ObservedTask): readonly Finding[] {
  const { id, state, restarts, workerId } = task
  const name = `task ${observed.connector}-${id}`
  const found: Finding[] = []
  if (state === 'UNASSIGNED')
    found.push(
      findingOf(observed, 'CONNECTOR_UNASSIGNED', {
        task: id,
        cause: `no worker runs ${name} at the moment`,
        evidence: { last_worker: workerId },
        since: observed.since(id, state),
      }),
    )
  // A trace says more of it.
  if (state === 'RESTARTING' && task.trace === null)
    found.push(
      findingOf(observed, 'TASK_RESTARTING', {
        task: id,
        cause: `${name} is being started`,
        since: observed.since(id, state),
      }),
    )
  if (restarts !== null && restarts >= crashLoopRestarts) {
    const [last] = traceEntries(task.trace)
    found.push(
      findingOf(observed, 'TASK_CRASH_LOOP', {
        task: id,
        cause: `${name} was restarted ${restarts} times in the last 10 minutes, and fails again each time`,
        evidence: { restarts, minutes: 10, last_error: last?.code ?? last?.error ?? null, state },
      }),
    )
  }
  return found
}
