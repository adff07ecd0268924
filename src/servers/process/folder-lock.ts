import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'

import type { Clock } from '../../foundation/clock.ts'
import { identityOf, lives, type ProcessIdentity } from '../../foundation/process/process-identity.ts'
import { hasCode } from '../server-error.ts'

/** Who has a lock: the process whose life it lasts, and the one that this process works for. */
export interface LockHolder {
  readonly holder: ProcessIdentity
  readonly user: ProcessIdentity
}

/** Runs `action` while no other process holds the lock file `path`; a holder that died without releasing is passed over. */
export async function withLock<T>(
  path: string,
  clock: Clock,
  signal: AbortSignal,
  action: () => Promise<T>,
): Promise<T> {
  while (tryLock(path, process.pid) !== null) await clock.sleep(100, signal)
  try {
    return await action()
  } finally {
    unlock(path, process.pid)
  }
}

/**
 * Takes the lock file `path` in the name of the process `pid`, which works for this one. Null: it is taken; else who has
 * it. The lock of a dead process is discarded and asked for again.
 */
export function tryLock(path: string, pid: number): LockHolder | null {
  const own = `${path}.${process.pid}`
  // Linking a file that already names its holder leaves no moment in which the lock exists and is empty.
  writeFileSync(own, `${write(identityOf(pid))}\n${write(identityOf(process.pid))}\n`)
  try {
    for (;;) {
      if (tryLink(own, path)) return null
      const found = read(path)
      if (found === null) continue
      if (lives(found.holder)) return found
      discard(path, found)
    }
  } finally {
    rmSync(own, { force: true })
  }
}

/** Gives a lock up, if it is the one that names `pid`. */
export function unlock(path: string, pid: number): void {
  if (read(path)?.holder.pid === pid) rmSync(path, { force: true })
}

function write({ pid, start }: ProcessIdentity): string {
  return `${pid} ${start}`
}

function read(path: string): LockHolder | null {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null
    throw error
  }
  const [holder, user] = text.split('\n').map((line) => {
    const [pid, start] = line.split(' ')
    return { pid: Number(pid) || 0, start: start ?? '' }
  })
  const nobody = { pid: 0, start: '' }
  return { holder: holder ?? nobody, user: user ?? nobody }
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to)
    return true
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false
    throw error
  }
}

function discard(path: string, dead: LockHolder): void {
  const aside = `${path}.dead.${process.pid}`
  try {
    renameSync(path, aside)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return
    throw error
  }
  // Another process may have taken over between the look and the rename: then the lock is put back.
  if (read(aside)?.holder.pid !== dead.holder.pid) tryLink(aside, path)
  rmSync(aside, { force: true })
}
