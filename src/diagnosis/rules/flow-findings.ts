import type { Finding } from '../finding.ts'
import type { TaskFlow } from '../flow/task-flow.ts'
import type { ConnectorObservations, ObservedTask } from '../observations.ts'
import { findingOf } from './make-finding.ts'

/** Waits that are shorter are normal: a batch, a rebalance, a retry. Seconds. */
const stallSeconds = 8
/** A shorter measurement says nothing of a rate. Seconds. */
const rateSeconds = 6
/** A sink that is less behind keeps up. Seconds, and records. */
const behindSeconds = 5
const fewRecords = 100
/** A sink that needs longer to catch up is worth a line. Seconds. */
const longCatchUpSeconds = 30
const manyRebalances = 4

/** What the progress of running tasks says: a task that is RUNNING while records wait and none moves is a finding. */
export function flowFindings(observed: ConnectorObservations): readonly Finding[] {
  if (observed.target !== 'STARTED') return []
  const running = observed.tasks.filter(({ state }) => state === 'RUNNING')
  return [
    ...running.flatMap((task) => (task.flow === null ? [] : ofTask(observed, task, task.flow))),
    ...withoutPartitions(observed, running),
  ]
}

function ofTask(observed: ConnectorObservations, task: ObservedTask, flow: TaskFlow): readonly Finding[] {
  const { id, workerId } = task
  const name = `task ${observed.connector}-${id}`
  const found: Finding[] = []
  const evidence = flowEvidence(flow, workerId)
  const stalled = Math.round(flow.stalledSeconds)
  if (flow.stalledSeconds >= stallSeconds) {
    const [code, cause] =
      flow.lagRecords === null
        ? [
            'SOURCE_STALLED',
            `${name} is RUNNING and has written nothing for ${stalled} s, although a change waits since ${Math.round(flow.behindSeconds ?? 0)} s`,
          ]
        : [
            'SINK_STALLED',
            `${name} is RUNNING and has taken no record for ${stalled} s, although ${flow.lagRecords} wait`,
          ]
    found.push(findingOf(observed, code, { task: id, cause, evidence, since: observed.now - stalled * 1000 }))
  } else found.push(...lagFindings(observed, task, flow))
  if ((flow.rebalances ?? 0) >= manyRebalances)
    found.push(
      findingOf(observed, 'SINK_REBALANCES', {
        task: id,
        cause: `the consumer group of ${name} has rebalanced ${flow.rebalances} times within ${Math.round(flow.seconds)} s`,
        evidence: { ...evidence, rebalances: flow.rebalances },
      }),
    )
  return found
}

/** More arrives than the task takes, or it needs long to catch up. */
function lagFindings(
  observed: ConnectorObservations,
  { id: task, workerId }: ObservedTask,
  flow: TaskFlow,
): readonly Finding[] {
  const name = `task ${observed.connector}-${task}`
  const evidence = flowEvidence(flow, workerId)
  const { lagRecords, lagPerSecond, recordsPerSecond, seconds } = flow
  if (lagRecords === null || lagPerSecond === null || lagRecords < fewRecords || seconds < rateSeconds) return []
  if (lagPerSecond > 0 && lagRecords > behindSeconds * recordsPerSecond) {
    const share =
      flow.putShare === null || flow.putShare < 0.5
        ? ''
        : `; ${percent(flow.putShare)} of the time it waits for the target system`
    return [
      findingOf(observed, 'SINK_LAGS', {
        task,
        cause: `${name} takes ${round(recordsPerSecond)} records/s while ${round(recordsPerSecond + lagPerSecond)} arrive: it is ${lagRecords} records behind, and the distance grows${share}`,
        evidence,
      }),
    ]
  }
  const left = lagPerSecond < 0 ? lagRecords / -lagPerSecond : 0
  if (left < longCatchUpSeconds) return []
  return [
    findingOf(observed, 'SINK_CATCHES_UP', {
      task,
      cause: `${name} is ${lagRecords} records behind, and catches up in about ${Math.round(left)} s`,
      evidence: { ...evidence, seconds_left: Math.round(left) },
    }),
  ]
}

/** No task holds a partition, although records wait: other members of the group hold all of them, or it never comes to an assignment. */
function withoutPartitions(observed: ConnectorObservations, running: readonly ObservedTask[]): readonly Finding[] {
  const { backlog, connector, type } = observed
  if (type !== 'sink' || running.length === 0) return []
  const flows = running.flatMap(({ flow }) => flow ?? [])
  if (
    flows.length < running.length ||
    flows.some(({ withoutPartitionsSeconds }) => withoutPartitionsSeconds < stallSeconds)
  )
    return []
  if (backlog === null || backlog.records === 0) return []
  const seconds = Math.round(Math.min(...flows.map(({ withoutPartitionsSeconds }) => withoutPartitionsSeconds)))
  return [
    findingOf(observed, 'SINK_WITHOUT_PARTITIONS', {
      cause: `no task of connector ${connector} has held a partition for ${seconds} s, although ${backlog.records} records wait: group ${backlog.group} has given them to other members, or rebalances`,
      evidence: { group: backlog.group, waiting_records: backlog.records, seconds },
      since: observed.now - seconds * 1000,
    }),
  ]
}

function flowEvidence(flow: TaskFlow, worker: string): Finding['evidence'] {
  const measured = {
    lag_records: flow.lagRecords,
    lag_records_per_second: flow.lagPerSecond === null ? null : round(flow.lagPerSecond),
    uncommitted_records: flow.uncommittedRecords,
    behind_seconds: flow.behindSeconds,
    put_share: flow.putShare === null ? null : round(flow.putShare),
  }
  return {
    worker,
    records_per_second: round(flow.recordsPerSecond),
    idle_seconds: round(flow.idleSeconds),
    ...Object.fromEntries(Object.entries(measured).filter(([, value]) => value !== null)),
  }
}

function round(value: number): number {
  return Math.abs(value) >= 10 ? Math.round(value) : Math.round(value * 100) / 100
}

function percent(share: number): string {
  return `${Math.round(Math.min(1, share) * 100)} %`
}
