import type { Finding } from '../finding.ts'
import type { ConnectorObservations, ObservedCondition } from '../observations.ts'
import { commandsIn, findingOf, type FindingSubject } from './make-finding.ts'

/** Conditions that concern operators, and no connector. */
const ofWorkerOnly: ReadonlySet<string> = new Set(['REST_USERS_FILE'])

/** What is wrong with the workers of a connector's tasks, and with the log. */
export function workerFindings(observed: ConnectorObservations): readonly Finding[] {
  const concerns = observed.conditions.filter(({ code }) => !ofWorkerOnly.has(code))
  return [...conditionFindings(observed, concerns), ...silentWorkerFindings(observed)]
}

export function conditionFindings(
  subject: FindingSubject,
  conditions: readonly ObservedCondition[],
): readonly Finding[] {
  return conditions.map(({ code, text }) => {
    const finding = findingOf(subject, code, { cause: `the worker reports: ${text}`, commands: commandsIn(text) })
    return finding.stage === 'source' || finding.stage === 'sink' ? { ...finding, stage: 'worker' } : finding
  })
}

/** Fewer are normal when workers start and stop one after the other. */
const manyRebalances = 6

export function groupFindings(subject: FindingSubject, rebalances: number): readonly Finding[] {
  if (rebalances < manyRebalances) return []
  const cause = `the worker group has rebalanced ${rebalances} times in the last minute, without a change of its configuration`
  return [findingOf(subject, 'GROUP_REBALANCES', { cause, evidence: { rebalances, minutes: 1 } })]
}

function silentWorkerFindings(observed: ConnectorObservations): readonly Finding[] {
  const { connector, tasks, silentWorkers, status } = observed
  return silentWorkers.map(({ worker, reason, isGone }) => {
    const held = tasks.filter(({ workerId }) => workerId === worker).map(({ id }) => id)
    const runs = held.length === 0 ? `connector ${connector}` : `task ${held.join(', ')} of connector ${connector}`
    return findingOf(observed, 'WORKER_GONE', {
      severity: isGone ? 'error' : 'warning',
      ...(held.length === 1 ? { task: held[0] ?? null } : {}),
      cause: `worker ${worker}, which ran ${runs} by the last status, does not respond: ${reason}`,
      evidence: { worker, tasks: held.join(', '), runs_connector: status?.workerId === worker },
    })
  })
}
