import { mkdirSync } from 'node:fs'
import { join } from 'node:path'

import type { Clock } from '../../foundation/clock.ts'
import { lives } from '../../foundation/process/process-identity.ts'
import { serverAccount } from '../account.ts'
import { tryLock, type LockHolder } from './directory-lock.ts'
import type { Progress } from './server.ts'
import { ServerError } from '../server-error.ts'
import type { Watchdog } from './watchdog.ts'

/** The environment of {@link holdDirectory}. */
export interface DirectoryContext {
  readonly watchdog: Watchdog
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly report: (progress: Progress) => void
}

/** Another run uses the directory. */
export class DirectoryHeldError extends ServerError {
  override readonly name = 'DirectoryHeldError'
}

/** How long to wait for a run that may be stopping. */
const livingTimeoutMs = 30_000
/** How long to wait for the servers of a run that has ended. Their stop timeouts are up to 30 s, and cleaning up takes up to 20 s. */
const endingTimeoutMs = 120_000

/**
 * Locks the data directory of servers until the watchdog ends, which is when the last server has stopped: the servers of a run
 * that was killed still write there for a while. Waits for an earlier run, and reports that.
 * @throws DirectoryHeldError if the earlier run does not end within 30 s, or its servers within 120 s.
 */
export async function holdDirectory(directory: string, context: DirectoryContext): Promise<void> {
  const { watchdog, clock, signal, report } = context
  // Root's servers run as another account, which needs access to the directory.
  mkdirSync(directory, { recursive: true, mode: serverAccount() === null ? 0o700 : 0o755 })
  const path = join(directory, '.lock')
  const started = clock.monotonic()
  for (let turn = 0; ; turn += 1) {
    const found = tryLock(path, watchdog.pid)
    if (found === null) break
    if (turn === 0) report({ kind: 'directory', doing: `waiting for an earlier run to stop (process ${pidOf(found)})` })
    refuse(directory, found, clock.monotonic() - started)
    await clock.sleep(100, signal)
  }
  watchdog.unlockAtEnd(path)
}

function refuse(directory: string, found: LockHolder, waitedMs: number): void {
  if (lives(found.user)) {
    if (waitedMs < livingTimeoutMs) return
    throw new DirectoryHeldError(
      `${directory} is in use by the run with process ${found.user.pid}. Stop that run, or choose another directory.`,
    )
  }
  if (waitedMs < endingTimeoutMs) return
  throw new DirectoryHeldError(
    `${directory} is in use by the servers of a run that has ended, which did not stop within ${endingTimeoutMs / 1000} s. ` +
      `Stop the children of process ${found.holder.pid}, or choose another directory.`,
  )
}

const pidOf = (found: LockHolder): number => (lives(found.user) ? found.user.pid : found.holder.pid)
