import type { Finding } from './finding.ts'
import type { ConnectorObservations, ObservedCondition } from './observations.ts'
import { ranked } from './rank-findings.ts'
import { flowFindings } from './rules/flow-findings.ts'
import { probeFindings } from './rules/probe-findings.ts'
import { stateFindings } from './rules/state-findings.ts'
import { statusFindings } from './rules/status-findings.ts'
import { topicFindings } from './rules/topic-findings.ts'
import { conditionFindings, groupFindings, workerFindings } from './rules/worker-findings.ts'

/** Returns what keeps records from flowing through a connector, or will, the most binding first. */
export function diagnose(observed: ConnectorObservations): readonly Finding[] {
  return ranked([
    ...probeFindings(observed),
    ...topicFindings(observed),
    ...statusFindings(observed),
    ...workerFindings(observed),
    ...stateFindings(observed),
    ...flowFindings(observed),
  ])
}

/** What is wrong with a worker, whatever it runs. */
export interface WorkerObservations {
  readonly conditions: readonly ObservedCondition[]
  /** Rebalances of its group within the last minute that no change of the configuration explains. */
  readonly rebalances: number
  readonly restUrl: string
}

/** Returns what is wrong with a worker itself, the most binding first. */
export function diagnoseWorker({ conditions, rebalances, restUrl }: WorkerObservations): readonly Finding[] {
  const subject = { connector: null, type: 'unknown', restUrl } as const
  return ranked([...conditionFindings(subject, conditions), ...groupFindings(subject, rebalances)])
}
