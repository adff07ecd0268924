import type { DiagnosisFinding, FindingSeverity } from '../api/diagnosis/finding.ts'

/** A finding of one task or of a whole connector. */
export interface Finding extends DiagnosisFinding {
  /** Null: not of one task. */
  readonly task: number | null
  /** Since when, in milliseconds of the epoch; null when that is not known. */
  readonly since: number | null
}

/** `blocked`: something keeps records from flowing. `degraded`: they flow late, or will stop. */
export type Verdict = 'healthy' | 'degraded' | 'blocked'

export function verdictOf(findings: readonly Finding[]): Verdict {
  if (findings.some(({ severity }) => severity === 'error')) return 'blocked'
  return findings.some(({ severity }) => severity === 'warning') ? 'degraded' : 'healthy'
}

/** The most severe first. */
export const severities: readonly FindingSeverity[] = ['error', 'warning', 'info']

/** The more severe one is less. */
export function compareSeverity(a: Finding, b: Finding): number {
  return severities.indexOf(a.severity) - severities.indexOf(b.severity)
}
