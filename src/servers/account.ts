import { chmodSync, chownSync, lstatSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

import { hasCode } from './server-error.ts'

/** A user and group by number. */
export interface Account {
  readonly uid: number
  readonly gid: number
}

const nobody: Account = { uid: 65534, gid: 65534 }

/** Returns the account for servers that do not run as root (Postgres, Elasticsearch): `nobody` for root; null is our own. */
export function serverAccount(): Account | null {
  return process.getuid?.() === 0 ? nobody : null
}

/** Returns whether other accounts have access to all directories of `path`, as far as they exist. */
export function isOpenToOthers(path: string): boolean {
  for (let directory = resolve(path); ; directory = dirname(directory)) {
    const stat = statSync(directory, { throwIfNoEntry: false })
    if (stat !== undefined && (stat.mode & 0o001) === 0) return false
    if (dirname(directory) === directory) return true
  }
}

/** Creates a directory, and makes `account` the owner of it and its contents. Ignores files that are removed meanwhile. */
export function ownedDirectory(path: string, account: Account | null, chown = chownSync): string {
  mkdirSync(path, { recursive: true, mode: account === null ? 0o700 : 0o755 })
  if (account !== null) changeOwner(path, account, chown)
  return path
}

function changeOwner(path: string, account: Account, chown: typeof chownSync): void {
  try {
    chown(path, account.uid, account.gid)
    if (!lstatSync(path).isDirectory()) return
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      if (!entry.isSymbolicLink()) changeOwner(join(path, entry.name), account, chown)
    }
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error
  }
}

/** Gives all accounts the owner's read and execute permissions on a tree. */
export function openToAll(path: string): void {
  const stat = lstatSync(path)
  if (stat.isSymbolicLink()) return
  const executable = stat.isDirectory() || (stat.mode & 0o100) !== 0
  chmodSync(path, stat.mode | 0o444 | (executable ? 0o111 : 0))
  if (stat.isDirectory()) for (const name of readdirSync(path)) openToAll(join(path, name))
}
