import type { Account } from '../account.ts'

/** A process for the watchdog to run. */
export interface ProcessOrder {
  readonly command: string
  readonly args: readonly string[]
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  readonly account: Account | null
  /** The output is appended to this file. */
  readonly logFile: string
  /** The signal that stops it. SIGKILL follows after `stopTimeoutMs`. */
  readonly stopSignal: NodeJS.Signals
  readonly stopTimeoutMs: number
}

/** Messages to the watchdog. */
export type ToWatchdog =
  | { readonly type: 'start'; readonly id: number; readonly order: ProcessOrder }
  | { readonly type: 'stop'; readonly id: number }
  | { readonly type: 'kill'; readonly id: number; readonly signal: NodeJS.Signals }
  /** Removes a directory after everything has stopped. */
  | { readonly type: 'remove-at-end'; readonly path: string }
  /** Releases a lock as the last step. */
  | { readonly type: 'unlock-at-end'; readonly path: string }
  | { readonly type: 'run-at-end'; readonly command: string; readonly args: readonly string[] }

/** Messages from the watchdog. */
export type FromWatchdog =
  | { readonly type: 'started'; readonly id: number; readonly pid: number }
  | { readonly type: 'failed'; readonly id: number; readonly reason: string }
  | { readonly type: 'exited'; readonly id: number; readonly how: string }
