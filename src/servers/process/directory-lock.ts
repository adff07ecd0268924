import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'

import type { Clock } from '../../foundation/clock.ts'
import { identityOf, lives, type ProcessIdentity } from '../../foundation/process/process-identity.ts'
import { hasCode } from '../server-error.ts'

/** The owner of a lock: the process whose end releases it, and the process that it works for. */
export interface LockHolder {
  readonly holder: ProcessIdentity
  readonly user: ProcessIdentity
}

/** Runs `action` while holding the lock file `path`. Discards the lock of a process that has ended. */
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
 * Acquires the lock file `path` for the process `pid`, which works for this one. Returns null on success, otherwise the holder.
 * Discards the lock of a process that has ended.
 */
export function tryLock(path: string, pid: number): LockHolder | null {
  const own = `${path}.${process.pid}`
  // Linking a complete file is atomic: the lock file is never empty.
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

/** Releases a lock if `pid` holds it. */
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
  const none = { pid: 0, start: '' }
  return { holder: holder ?? none, user: user ?? none }
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
  // If another process has acquired the lock between read and rename, put it back.
  if (read(aside)?.holder.pid !== dead.holder.pid) tryLink(aside, path)
  rmSync(aside, { force: true })
}
