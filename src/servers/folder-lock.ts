import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'

import type { Clock } from '../foundation/clock.ts'
import { hasCode } from './server-error.ts'

/** Runs `action` while no other process holds the lock file `path`; a holder that died without releasing is passed over. */
export async function withLock<T>(
  path: string,
  clock: Clock,
  signal: AbortSignal,
  action: () => Promise<T>,
): Promise<T> {
  while (!tryLock(path)) await clock.sleep(100, signal)
  try {
    return await action()
  } finally {
    rmSync(path, { force: true })
  }
}

// Linking a file that already names its holder leaves no moment in which the lock exists and is empty.
function tryLock(path: string): boolean {
  const own = `${path}.${process.pid}`
  writeFileSync(own, String(process.pid))
  try {
    linkSync(own, path)
    return true
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error
    discardIfDead(path)
    return false
  } finally {
    rmSync(own, { force: true })
  }
}

function holderOf(path: string): number | null {
  try {
    return Number(readFileSync(path, 'utf8'))
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null
    throw error
  }
}

function discardIfDead(path: string): void {
  const holder = holderOf(path)
  if (holder === null || isAlive(holder)) return
  const aside = `${path}.dead.${process.pid}`
  try {
    renameSync(path, aside)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return
    throw error
  }
  // Another process may have taken over between the look and the rename: then the lock is put back.
  if (holderOf(aside) !== holder) linkSync(aside, path)
  rmSync(aside, { force: true })
}

/** Whether a process of that number exists. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return hasCode(error, 'EPERM')
  }
}
