import { mkdirSync } from 'node:fs'
import { join } from 'node:path'

import type { Clock } from '../../foundation/clock.ts'
import { lives } from '../../foundation/process/process-identity.ts'
import { serverAccount } from '../account.ts'
import { tryLock, type LockHolder } from './folder-lock.ts'
import type { Progress } from './server.ts'
import { ServerError } from '../server-error.ts'
import type { Watchdog } from './watchdog.ts'

/** What holding a folder needs from its surroundings. */
export interface FolderContext {
  readonly watchdog: Watchdog
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly report: (progress: Progress) => void
}

/** Another run has the folder. */
export class FolderHeldError extends ServerError {
  override readonly name = 'FolderHeldError'
}

/** A run that lives may be about to end: Ctrl-C was pressed in another terminal. */
const livingTimeoutMs = 30_000
/** Servers of a run that is gone stop within the times that their orders give them; the longest is 30 s, and 20 s to clean up. */
const endingTimeoutMs = 120_000

/**
 * Holds a folder that servers keep their data in for as long as the watchdog lives, which is until the last of them has
 * stopped: the servers of a run that was killed still write there for a while. Waits for such a run, and tells so.
 * @throws FolderHeldError when the other run lives on for 30 s, or when its servers do not stop in 120 s.
 */
export async function holdFolder(folder: string, context: FolderContext): Promise<void> {
  const { watchdog, clock, signal, report } = context
  // Root's servers run as another account, which must be able to pass.
  mkdirSync(folder, { recursive: true, mode: serverAccount() === null ? 0o700 : 0o755 })
  const path = join(folder, '.lock')
  const started = clock.monotonic()
  for (let turn = 0; ; turn += 1) {
    const found = tryLock(path, watchdog.pid)
    if (found === null) break
    if (turn === 0) report({ kind: 'folder', doing: `waits for the run before to stop (process ${pidOf(found)})` })
    refuse(folder, found, clock.monotonic() - started)
    await clock.sleep(100, signal)
  }
  watchdog.unlockAtEnd(path)
}

function refuse(folder: string, found: LockHolder, waitedMs: number): void {
  if (lives(found.user)) {
    if (waitedMs < livingTimeoutMs) return
    throw new FolderHeldError(
      `${folder} is in use by the run with process ${found.user.pid}. Stop that run, or choose another folder.`,
    )
  }
  if (waitedMs < endingTimeoutMs) return
  throw new FolderHeldError(
    `${folder} is in use by servers of a run that has ended; they have not stopped in ${endingTimeoutMs / 1000} s. ` +
      `Stop the children of process ${found.holder.pid}, or choose another folder.`,
  )
}

const pidOf = (found: LockHolder): number => (lives(found.user) ? found.user.pid : found.holder.pid)
