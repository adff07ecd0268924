import type { Clock } from '../../foundation/clock.ts'
import type { ParsedConfig, RawConfig } from '../config-def.ts'

/** `error`: nothing flows, or records are lost. `warning`: it will come to that, or data is late. `info`: it is so on purpose. */
export type FindingSeverity = 'error' | 'warning' | 'info'

/** Where on the path of a record the cause is. */
export type FindingStage = 'source' | 'log' | 'sink' | 'worker'

/** What a finding rests on: numbers with their unit in the name (`idle_seconds`), names, texts. Never a secret. */
export type FindingEvidence = Readonly<Record<string, string | number | boolean | null>>

/** One reason why records do not flow, or will not soon. */
export interface DiagnosisFinding {
  /** Capital letters, digits and underscores. A condition of a task that has the same cause has the same code. */
  readonly code: string
  readonly severity: FindingSeverity
  readonly stage: FindingStage
  /** One sentence: what is wrong, on what. */
  readonly cause: string
  readonly evidence: FindingEvidence
  /** One sentence: what to do. Empty: what docs/reference/diagnosis.md says of the code. */
  readonly fix: string
  /** What an operator can type, the best one first: SQL, a shell command, or a request. Empty: the SQL in `cause`, if there is any. */
  readonly commands: readonly string[]
}

/** What a connector's plugin gets to diagnose it. */
export interface DiagnosisContext {
  readonly connector: string
  /** The keys of the plugin's ConfigDef, parsed. */
  readonly config: ParsedConfig
  /** All keys as the user wrote them, with secrets resolved. */
  readonly raw: RawConfig
  /** The topics that the connector has written or read; empty if that is not known. */
  readonly topics: readonly string[]
  readonly clock: Clock
  /** Fires at the deadline. */
  readonly signal: AbortSignal
}
