import type { DiagnosisFinding } from '../../api/diagnosis/finding.ts'
import type { Finding } from '../finding.ts'
import type { ConnectorObservations } from '../observations.ts'
import { findingOf } from './make-finding.ts'

/** What the connector's plugin has found at its server. */
export function probeFindings(observed: ConnectorObservations): readonly Finding[] {
  const { probe, connector, target } = observed
  switch (probe.kind) {
    case 'failed':
      return [
        findingOf(observed, 'PROBE_FAILED', {
          cause: `connector ${connector} could not look at its server: ${probe.message}`,
        }),
      ]
    case 'waits':
      return [
        findingOf(observed, 'PROBE_WAITS', {
          cause: `the look of connector ${connector} at its server has not returned for ${probe.seconds} s`,
          evidence: { seconds: probe.seconds },
        }),
      ]
    case 'found':
      return probe.findings.map((finding) => Object.assign({}, finding, notOfTask, severityOf(finding, target)))
  }
}

const notOfTask = { task: null, since: null }

/** Nothing is to flow through a connector that is paused or stopped. */
function severityOf(
  { severity }: DiagnosisFinding,
  target: ConnectorObservations['target'],
): Pick<Finding, 'severity'> {
  return { severity: severity === 'error' && target !== 'STARTED' ? 'warning' : severity }
}
