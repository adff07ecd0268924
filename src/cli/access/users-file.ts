import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'

import { ConfigError } from '../../api/errors.ts'
import { parseRestUsers, restUsersKey, type RestUser } from '../../config/worker/rest/rest-users.ts'
import type { Clock } from '../../foundation/clock.ts'
import { errorMessage } from '../../foundation/error-message.ts'
import type { Logger } from '../../foundation/logging/logger.ts'
import { Conditions } from '../../foundation/metrics/conditions.ts'
import { PrivateFile } from '../private-file.ts'

/** The code of errors, and of the condition while the file cannot be used. */
const usersFileCode = 'REST_USERS_FILE'

const maxBytes = 1024 * 1024
/** The interval between checks for a change of the file. */
const everyMs = 2000

/** The file of `rest.users.file`. */
export class UsersFile {
  readonly #file: PrivateFile

  constructor(path: string) {
    const rules = { key: restUsersKey, code: usersFileCode, content: 'users', maxBytes, isGroupReadable: true }
    this.#file = new PrivateFile(resolve(path), rules)
  }

  /** @throws ConfigError REST_USERS_FILE when it cannot be read, can be used by other users, or is malformed */
  read(): UsersText {
    try {
      const text = this.#file.read()
      return { text, users: parseRestUsers(text) }
    } catch (error) {
      throw this.#fault(error)
    }
  }

  /** Changes whenever the file does. @throws ConfigError REST_USERS_FILE when there is no file */
  async version(): Promise<string> {
    try {
      const { dev, ino, size, mtimeNs, ctimeNs } = await stat(this.#file.path, { bigint: true })
      return [dev, ino, size, mtimeNs, ctimeNs].join(' ')
    } catch (error) {
      throw this.#fault(error)
    }
  }

  #fault(error: unknown): ConfigError {
    if (!(error instanceof ConfigError))
      return this.#file.fault(`cannot be read: ${errorMessage(error)}`, 'Create it: see docs/guides/users.md', error)
    if (error.code === usersFileCode) return error
    // The reason says what to do.
    return this.#file.fault(`cannot be used`, errorMessage(error), error)
  }
}

/** The text of a file, and the users in it. */
interface UsersText {
  readonly text: string
  readonly users: readonly RestUser[]
}

export interface UsersWatchOptions {
  readonly file: UsersFile
  /** As read at the start. */
  readonly read: UsersText
  /** Receives the users of a file that has changed. */
  readonly onChange: (users: readonly RestUser[]) => void
  readonly clock: Clock
  readonly logger: Logger
}

/**
 * Reads the users again when their file has changed, was replaced, or is another one behind a link. While the file cannot be
 * used, the users that were read last keep their access, and a condition says so.
 */
export class UsersWatch {
  readonly #options: UsersWatchOptions
  readonly #conditions: Conditions
  readonly #cancel: () => void
  #text: string
  /** The version of the file that was read last; null: none, or it could not be used. */
  #version: string | null = null
  #isBusy = false

  constructor(options: UsersWatchOptions) {
    this.#options = options
    this.#conditions = new Conditions(options.logger)
    this.#text = options.read.text
    this.#cancel = options.clock.every(everyMs, () => void this.check())
  }

  /** The conditions that stand, by code. */
  get conditions(): ReadonlyMap<string, string> {
    return this.#conditions.standing
  }

  close(): void {
    this.#cancel()
  }

  /** Looks at the file. Only a version that is new, or could not be used, is read. */
  async check(): Promise<void> {
    if (this.#isBusy) return
    this.#isBusy = true
    try {
      const version = await this.#options.file.version()
      if (version !== this.#version) this.#read()
      this.#version = version
      this.#conditions.withdraw(usersFileCode)
    } catch (error) {
      this.#version = null
      const reason = errorMessage(error).replace(`${usersFileCode}: `, '')
      this.#conditions.raise(usersFileCode, `${reason} The users that were read before keep their access`)
    } finally {
      this.#isBusy = false
    }
  }

  #read(): void {
    const { file, onChange, logger } = this.#options
    const { text, users } = file.read()
    if (text === this.#text) return
    this.#text = text
    onChange(users)
    logger.info(`the file of ${restUsersKey} has changed: it has ${users.length} users`)
  }
}
