import type { FindingStage } from '../api/diagnosis/finding.ts'
import { severities, type Finding } from './finding.ts'

/** What stops the worker stops its log, and what stops the log stops both ends. */
const stages: readonly FindingStage[] = ['worker', 'log', 'source', 'sink']
/** What follows from other findings, the most general last. */
const consequences: readonly string[] = [
  'CALL_RETRIED',
  'COMMIT_WAITS',
  'PUT_WAITS',
  'ES_BUFFER_FULL',
  'ES_INDEX_WAITS',
  'S3_BUFFER_FULL',
  'ES_REREAD_WAITS',
  'SINK_REBALANCES',
  'TASK_CRASH_LOOP',
  'SOURCE_STALLED',
  'SINK_STALLED',
  'SINK_LAGS',
]
/** What a consequence is not worth a line beside: its cause is known. */
const silentBeside: ReadonlySet<string> = new Set(['SOURCE_STALLED', 'SINK_STALLED', 'PROBE_FAILED', 'PROBE_WAITS'])

/**
 * Returns each cause once, the most binding first: by severity; then causes before their consequences; then by the way of a
 * record. Findings of the probe come before those of statuses: of two with one code, the first has the better evidence.
 */
export function ranked(findings: readonly Finding[]): readonly Finding[] {
  const merged = [...new Map(findings.map((finding) => [keyOf(finding), finding])).keys()].map((key) =>
    joined(findings.filter((finding) => keyOf(finding) === key)),
  )
  const explained = merged.some(({ severity, code }) => severity === 'error' && !silentBeside.has(code))
  return merged
    .filter(({ code }) => !explained || !silentBeside.has(code))
    .toSorted((a, b) => weightOf(a) - weightOf(b))
}

/** Two tasks that fail for reasons of their own have two findings; conditions with one code are one. */
function keyOf({ code, cause, severity, task }: Finding): string {
  return code.endsWith('_FAILED') || (code.startsWith('RECORD_') && severity === 'error')
    ? `${code} ${task} ${cause}`
    : code
}

function joined(same: readonly Finding[]): Finding {
  const [first, ...others] = same
  const finding = first as Finding
  if (others.length === 0) return finding
  const tasks = [...new Set(same.flatMap(({ task }) => task ?? []))]
  const severity = severities.find((each) => same.some((one) => one.severity === each)) ?? finding.severity
  const times = same.flatMap(({ since }) => since ?? [])
  return {
    ...finding,
    severity,
    task: tasks.length === 1 ? (tasks[0] ?? null) : null,
    since: times.length === 0 ? null : Math.min(...times),
    evidence: {
      ...others.at(0)?.evidence,
      ...finding.evidence,
      ...(tasks.length > 1 ? { tasks: tasks.join(', ') } : {}),
    },
    commands: [...new Set(same.flatMap(({ commands }) => commands))].slice(0, 4),
  }
}

function weightOf({ severity, stage, code }: Finding): number {
  return severities.indexOf(severity) * 1000 + (consequences.indexOf(code) + 1) * 10 + stages.indexOf(stage)
}
