import { chmodSync, chownSync, lstatSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

import { hasCode } from './server-error.ts'

/** A user and group by number. */
export interface Account {
  readonly uid: number
  readonly gid: number
}

const nobody: Account = { uid: 65534, gid: 65534 }

/** Whom to run servers as that refuse root (Postgres, Elasticsearch): `nobody` for root; null means ourselves. */
export function serverAccount(): Account | null {
  return process.getuid?.() === 0 ? nobody : null
}

/** Whether another account may pass through all folders down to `path` (of which the last ones may not exist yet). */
export function isOpenToOthers(path: string): boolean {
  for (let folder = resolve(path); ; folder = dirname(folder)) {
    const stat = statSync(folder, { throwIfNoEntry: false })
    if (stat !== undefined && (stat.mode & 0o001) === 0) return false
    if (dirname(folder) === folder) return true
  }
}

/** Makes a folder, given to `account` with all that is in it; what vanishes meanwhile needs no owner. */
export function ownedFolder(path: string, account: Account | null, chown = chownSync): string {
  mkdirSync(path, { recursive: true, mode: account === null ? 0o700 : 0o755 })
  if (account !== null) giveAway(path, account, chown)
  return path
}

function giveAway(path: string, account: Account, chown: typeof chownSync): void {
  try {
    chown(path, account.uid, account.gid)
    if (!lstatSync(path).isDirectory()) return
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      if (!entry.isSymbolicLink()) giveAway(join(path, entry.name), account, chown)
    }
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error
  }
}

/** Lets every account read a tree, as far as its owner can. */
export function openToAll(path: string): void {
  const stat = lstatSync(path)
  if (stat.isSymbolicLink()) return
  const executable = stat.isDirectory() || (stat.mode & 0o100) !== 0
  chmodSync(path, stat.mode | 0o444 | (executable ? 0o111 : 0))
  if (stat.isDirectory()) for (const name of readdirSync(path)) openToAll(join(path, name))
}
