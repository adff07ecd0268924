import type { RestartSettings } from '../../config/restart-settings.ts'
import { backoffMs } from '../../foundation/async/backoff.ts'

/** What follows a failure that may pass: a restart after a pause, or none, because there were too many in a row. */
export type NextRestart =
  | { readonly kind: 'restart'; readonly attempt: number; readonly delayMs: number }
  | { readonly kind: 'none'; readonly attempts: number }

/** The restarts in a row of a connector or task, after failures that may pass. */
export class RestartStreak {
  #attempts = 0
  /** Since when it runs, in monotonic milliseconds; null while it does not. */
  #runningSince: number | null = null

  /** It runs. */
  running(nowMs: number): void {
    this.#runningSince ??= nowMs
  }

  /** It has failed. What has run for the maximum pause before is not in a row with earlier failures. */
  failed({ enabled, maxAttempts, backoff }: RestartSettings, nowMs: number): NextRestart | null {
    const since = this.#runningSince
    this.#runningSince = null
    if (since !== null && nowMs - since >= backoff.maxMs) this.#attempts = 0
    if (!enabled) return null
    if (maxAttempts !== null && this.#attempts >= maxAttempts) return { kind: 'none', attempts: this.#attempts }
    this.#attempts += 1
    return { kind: 'restart', attempt: this.#attempts, delayMs: backoffMs(backoff, this.#attempts) }
  }

  /** An operator has restarted it. */
  reset(): void {
    this.#attempts = 0
    this.#runningSince = null
  }
}

/** Returns what the status of something that has failed says of its restart: the last line of the trace. */
export function restartLine(next: NextRestart, { maxAttempts }: RestartSettings, nowMs: number): string {
  if (next.kind === 'none')
    return `RESTARTS_EXHAUSTED: it was restarted ${next.attempts} times in a row (errors.restart.max.attempts), and stays FAILED until it is restarted by hand`
  const limit = maxAttempts === null ? '' : ` of ${maxAttempts}`
  const at = new Date(nowMs + next.delayMs).toISOString()
  return `RESTART_SCHEDULED: restart ${next.attempt}${limit} in a row follows at ${at}`
}
