import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs'

import { ConfigError } from '../api/errors.ts'

/** What a file with secrets must be like. */
export interface PrivateFileRules {
  /** The setting or flag that names it, for errors. */
  readonly key: string
  /** The code of errors. */
  readonly code: string
  /** What is in it: "a token". */
  readonly content: string
  readonly maxBytes: number
  /** Whether its group may read it, as that of a secret that Kubernetes mounts. */
  readonly isGroupReadable: boolean
}

/** A file with secrets, which other users must not be able to read or write. */
export class PrivateFile {
  readonly path: string
  readonly #rules: PrivateFileRules

  constructor(path: string, rules: PrivateFileRules) {
    this.path = path
    this.#rules = rules
  }

  /** @throws ConfigError when other users can use it, or when it is too large; the error of the file system when it cannot be read */
  read(): string {
    // Opening a pipe without this flag would wait for a writer.
    const descriptor = openSync(this.path, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      this.#check(fstatSync(descriptor))
      return readFileSync(descriptor, 'utf8')
    } finally {
      closeSync(descriptor)
    }
  }

  /** An error that names the file and its setting. */
  fault(what: string, advice: string, cause?: unknown): ConfigError {
    const { key, code } = this.#rules
    return new ConfigError(`The file of "${key}", ${this.path}, ${what}. ${advice}.`, { code, cause })
  }

  #check({ mode, uid, size }: { readonly mode: number; readonly uid: number; readonly size: number }): void {
    const { maxBytes, isGroupReadable, content } = this.#rules
    const isFile = (mode & 0o170_000) === 0o100_000
    if (!isFile || size > maxBytes) throw this.fault(`is not a file with ${content}`, 'Name another file')
    const ownUid = process.getuid?.()
    if (ownUid === undefined) return
    if (uid !== ownUid && uid !== 0) {
      throw this.fault(`belongs to another user (uid ${uid})`, 'Name a file of the user that runs the worker')
    }
    if ((mode & (isGroupReadable ? 0o037 : 0o077)) === 0) return
    const rights = (mode & 0o777).toString(8).padStart(4, '0')
    throw this.fault(`can be used by other users (mode ${rights})`, `Run: chmod 600 ${this.path}`)
  }
}
