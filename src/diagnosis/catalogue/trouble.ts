import type { FindingSeverity, FindingStage } from '../../api/diagnosis/finding.ts'

/** What is known of a code that statuses, errors and conditions carry, or that the diagnosis itself gives. */
export interface Trouble {
  readonly code: string
  readonly severity: FindingSeverity
  /** Null: that of the connector, `source` or `sink`. */
  readonly stage: FindingStage | null
  /** What it means. */
  readonly means: string
  /** What to do: one sentence. */
  readonly fix: string
  /** Requests to the worker: `restart` of what has failed, `resume`, `errors`. */
  readonly requests?: readonly ('restart' | 'resume' | 'errors' | 'health')[]
}

/** [code, severity, what it means, what to do, requests] */
export type TroubleRow = readonly [
  code: string,
  severity: FindingSeverity,
  means: string,
  fix: string,
  ...requests: NonNullable<Trouble['requests']>,
]

/** Returns the rows of a table whose entries have the same stage. */
export function troublesOf(stage: FindingStage | null, rows: readonly TroubleRow[]): readonly Trouble[] {
  return rows.map(([code, severity, means, fix, ...requests]) => ({ code, severity, stage, means, fix, requests }))
}
