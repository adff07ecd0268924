import { realpathSync } from 'node:fs'
import { realpath } from 'node:fs/promises'
import { isAbsolute, relative, resolve, sep } from 'node:path'

import { ConfigError, type ConfigDef, type ConfigKey, type ConfigValue, type ParsedConfig } from 'penstock/api'

import { codeOf, readSecretFile } from './read-secret-file.ts'

/** The setting of providers that read files. */
const allowedPathsKey: ConfigKey = {
  type: 'LIST',
  defaultValue: [],
  importance: 'HIGH',
  doc: 'Absolute paths of the files and directories that may be read. If it is not set, all are.',
  validator: (_key, value) => {
    const wrong = pathsOf(value).find((path) => !isAbsolute(path))
    return wrong === undefined ? null : `Path ${wrong} is not absolute`
  },
}

/** The parameters of providers that read files. */
export const allowedPathsDef = { 'allowed.paths': allowedPathsKey } as const satisfies ConfigDef

/** The files that a provider may read: those at or below the allowed paths, after all symbolic links are resolved. */
export class AllowedPaths {
  readonly #given: readonly string[]
  /** Null: everything is allowed. */
  readonly #real: readonly string[] | null

  /** @throws ConfigError when an allowed path does not exist */
  constructor(config: ParsedConfig) {
    this.#given = pathsOf(config['allowed.paths'] ?? null).map((path) => resolve(path))
    this.#real = this.#given.length === 0 ? null : this.#given.map(existing)
  }

  /** Returns the text of a file. @throws ConfigError when it is not allowed or cannot be read */
  async read(path: string): Promise<string> {
    return await readSecretFile(await this.#realPath(path), path)
  }

  /**
   * Returns the real path of a file or directory, without symbolic links.
   * @throws ConfigError when it is not allowed or does not exist. Outside of the allowed paths both have the same message, so
   *   that it does not say which files exist.
   */
  async #realPath(path: string): Promise<string> {
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
