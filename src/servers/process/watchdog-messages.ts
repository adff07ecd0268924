import type { Account } from '../account.ts'

/** What the watchdog is to start. */
export interface ProcessOrder {
  readonly command: string
  readonly args: readonly string[]
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  readonly account: Account | null
  /** Takes the output; appended to. */
  readonly logFile: string
  /** How to ask it to stop; SIGKILL follows after `stopTimeoutMs`. */
  readonly stopSignal: NodeJS.Signals
  readonly stopTimeoutMs: number
}

/** From the process that uses the servers to its watchdog. */
export type ToWatchdog =
  | { readonly type: 'start'; readonly id: number; readonly order: ProcessOrder }
  | { readonly type: 'stop'; readonly id: number }
  | { readonly type: 'kill'; readonly id: number; readonly signal: NodeJS.Signals }
  /** Folders to remove once everything has stopped. */
  | { readonly type: 'remove-at-end'; readonly path: string }
  /** A lock of the watchdog's to give up as the very last thing. */
  | { readonly type: 'unlock-at-end'; readonly path: string }
  | { readonly type: 'run-at-end'; readonly command: string; readonly args: readonly string[] }

/** From the watchdog. */
export type FromWatchdog =
  | { readonly type: 'started'; readonly id: number; readonly pid: number }
  | { readonly type: 'failed'; readonly id: number; readonly reason: string }
  | { readonly type: 'exited'; readonly id: number; readonly how: string }
