import { errorMessage } from '../foundation/error-message.ts'
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

import type { Clock } from '../foundation/clock.ts'
import { isOpenToOthers, openToAll, serverAccount } from './account.ts'
import { withLock } from './process/folder-lock.ts'
import { ServerError } from './server-error.ts'

/**
 * Where fetched servers are kept: PENSTOCK_CACHE, else `penstock` in XDG_CACHE_HOME or `~/.cache`. Root's servers run as
 * another account, which may not enter root's home: then it is /var/cache/penstock.
 */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env, open = isOpenToOthers): string {
  const named = env['PENSTOCK_CACHE']
  if (named !== undefined) return named
  const own = join(env['XDG_CACHE_HOME'] ?? join(env['HOME'] ?? homedir(), '.cache'), 'penstock')
  return serverAccount() === null || open(own) ? own : '/var/cache/penstock'
}

/** Fetched things by name; each is made once, whole or not at all. */
export class Cache {
  readonly folder: string
  readonly #clock: Clock

  constructor(folder: string, clock: Clock) {
    this.folder = folder
    this.#clock = clock
  }

  /**
   * The folder of the thing `name` (which holds its version), made by `make` in a staging folder when it is not there.
   * One process makes it, others wait; a half-made one is never seen.
   */
  async get(name: string, signal: AbortSignal, make: (folder: string) => Promise<void>): Promise<string> {
    const final = join(this.folder, name)
    if (existsSync(final)) return final
    this.#makeFolder()
    return withLock(join(this.folder, `.${name}.lock`), this.#clock, signal, async () => {
      if (existsSync(final)) return final
      const staging = join(this.folder, `.${name}.part`)
      rmSync(staging, { recursive: true, force: true })
      mkdirSync(staging)
      await make(staging)
      openToAll(staging)
      renameSync(staging, final)
      return final
    })
  }

  #makeFolder(): void {
    try {
      mkdirSync(this.folder, { recursive: true, mode: 0o755 })
    } catch (error) {
      const why = `the directory ${this.folder} for downloaded servers cannot be made (${errorMessage(error)})`
      throw new ServerError(`${why}. Name another one by PENSTOCK_CACHE.`, { cause: error })
    }
  }
}
