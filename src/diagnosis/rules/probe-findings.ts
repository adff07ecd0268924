import type { DiagnosisFinding } from '../../api/diagnosis/finding.ts'
import type { Finding } from '../finding.ts'
import type { ConnectorObservations } from '../observations.ts'
import { troubleNamed } from '../catalogue/catalogue.ts'
import { commandsIn, findingOf } from './make-finding.ts'

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
      return probe.findings.map((finding) => completed(finding, target))
  }
}

/** The catalogue knows what the plugin leaves open; SQL in the sentence about the cause can be typed. */
function completed(finding: DiagnosisFinding, target: ConnectorObservations['target']): Finding {
  const { code, cause, commands, fix, severity } = finding
  return {
    ...finding,
    // Nothing is to flow through a connector that is paused or stopped.
    severity: severity === 'error' && target !== 'STARTED' ? 'warning' : severity,
    fix: fix === '' ? troubleNamed(code).fix : fix,
    commands: commands.length > 0 ? commands : commandsIn(cause),
    task: null,
    since: null,
  }
}
