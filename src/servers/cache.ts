import { errorMessage } from '../foundation/error-message.ts'
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

import type { Clock } from '../foundation/clock.ts'
import { isOpenToOthers, openToAll, serverAccount } from './account.ts'
import { withLock } from './process/directory-lock.ts'
import { ServerError } from './server-error.ts'

/**
 * Returns the directory for downloaded servers: PENSTOCK_CACHE, or `penstock` in XDG_CACHE_HOME or `~/.cache`. For root it is
 * /var/cache/penstock if the account of the servers has no access to root's home.
 */
export function cacheDirectory(env: NodeJS.ProcessEnv = process.env, open = isOpenToOthers): string {
  const named = env['PENSTOCK_CACHE']
  if (named !== undefined) return named
  const own = join(env['XDG_CACHE_HOME'] ?? join(env['HOME'] ?? homedir(), '.cache'), 'penstock')
  return serverAccount() === null || open(own) ? own : '/var/cache/penstock'
}

/** Downloads by name. Each is created once, and atomically. */
export class Cache {
  readonly directory: string
  readonly #clock: Clock

  constructor(directory: string, clock: Clock) {
    this.directory = directory
    this.#clock = clock
  }

  /**
   * Returns the directory of `name` (which includes the version). If it does not exist, `make` fills a staging directory, which
   * is then renamed. Other processes wait meanwhile.
   */
  async get(name: string, signal: AbortSignal, make: (directory: string) => Promise<void>): Promise<string> {
    const final = join(this.directory, name)
    if (existsSync(final)) return final
    this.#makeDirectory()
    return withLock(join(this.directory, `.${name}.lock`), this.#clock, signal, async () => {
      if (existsSync(final)) return final
      const staging = join(this.directory, `.${name}.part`)
      rmSync(staging, { recursive: true, force: true })
      mkdirSync(staging)
      await make(staging)
      openToAll(staging)
      renameSync(staging, final)
      return final
    })
  }

  #makeDirectory(): void {
    try {
      mkdirSync(this.directory, { recursive: true, mode: 0o755 })
    } catch (error) {
      const why = `the directory ${this.directory} for downloaded servers cannot be created (${errorMessage(error)})`
      throw new ServerError(`${why}. Set PENSTOCK_CACHE to another one.`, { cause: error })
    }
  }
}
