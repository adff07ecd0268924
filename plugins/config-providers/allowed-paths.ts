import { realpathSync } from 'node:fs'
import { realpath } from 'node:fs/promises'
import { isAbsolute, relative, resolve, sep } from 'node:path'

import { ConfigError, type ConfigKey, type ConfigValue } from 'penstock/api'

/** The setting of providers that read files. */
export const allowedPathsKey: ConfigKey = {
  type: 'LIST',
  defaultValue: [],
  importance: 'HIGH',
  doc: 'Absolute paths of the files and directories that may be read. If it is not set, all are.',
  validator: (_key, value) => {
    const wrong = pathsOf(value).find((path) => !isAbsolute(path))
    return wrong === undefined ? null : `Path ${wrong} is not absolute`
  },
}

/** The files that a provider may read: those at or below the allowed paths, after all symbolic links are resolved. */
export class AllowedPaths {
  readonly #given: readonly string[]
  /** Null: everything is allowed. */
  readonly #real: readonly string[] | null

  /** @throws ConfigError when an allowed path does not exist */
  constructor(allowed: ConfigValue) {
    this.#given = pathsOf(allowed).map((path) => resolve(path))
    this.#real = this.#given.length === 0 ? null : this.#given.map(existing)
  }

  /**
   * Returns the real path of a file or directory, without symbolic links.
   * @throws ConfigError when it is not allowed or does not exist. Outside of the allowed paths both have the same message, so
   *   that it does not say which files exist.
   */
  async realPath(path: string): Promise<string> {
    const absolute = resolve(path)
    let real: string
    try {
      real = await realpath(absolute)
    } catch (cause) {
      if (this.#real !== null && !isWithin(absolute, [...this.#given, ...this.#real])) throw notAllowed(path)
      throw new ConfigError(`${path} cannot be read (${codeOf(cause)})`, { cause })
    }
    if (this.#real !== null && !isWithin(real, this.#real)) throw notAllowed(path)
    return real
  }
}

export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error)
}

function pathsOf(value: ConfigValue): readonly string[] {
  return Array.isArray(value) ? value.map(String).filter((path) => path !== '') : []
}

function existing(path: string): string {
  try {
    return realpathSync(path)
  } catch (cause) {
    throw new ConfigError(
      `Invalid value ${path} for configuration allowed.paths: it cannot be read (${codeOf(cause)})`,
      {
        cause,
      },
    )
  }
}

function isWithin(path: string, parents: readonly string[]): boolean {
  return parents.some((parent) => {
    const way = relative(parent, path)
    return way === '' || (way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way))
  })
}

function notAllowed(path: string): ConfigError {
  return new ConfigError(`${path} is not in allowed.paths`)
}
