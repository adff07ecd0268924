import { errorMessage } from '../foundation/error-message.ts'
import { randomBytes } from 'node:crypto'
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { resolve } from 'node:path'

import { ConfigError } from '../api/errors.ts'

const tokenBytes = 32
/** 128 bits in hexadecimal. */
const minCharacters = 32
const maxBytes = 4096

/** A file, and the setting or flag that names it. */
interface NamedFile {
  readonly file: string
  readonly key: string
}

/**
 * Returns the token in a file that only this user can read. A missing file is created, with a random token of 256 bits; an
 * existing one is never written to.
 * @param key the setting or flag that names the file, for errors
 * @throws ConfigError TOKEN_FILE when other users can read or write it, when it has no token, or when it cannot be used
 */
export function tokenOf(path: string, key: string): string {
  const named = { file: resolve(path), key }
  try {
    return readToken(named)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw unusable(error, named)
  }
  try {
    createToken(named.file)
    return readToken(named)
  } catch (error) {
    throw unusable(error, named)
  }
}

function readToken(named: NamedFile): string {
  const { file } = named
  // Opening a pipe without this flag would wait for a writer.
  const descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const { mode, uid, size } = fstatSync(descriptor)
    const isFile = (mode & 0o170_000) === 0o100_000
    if (!isFile || size > maxBytes) throw fault(named, 'is not a file with a token', 'Name another file')
    const ownUid = process.getuid?.()
    if (ownUid !== undefined && uid !== ownUid && uid !== 0) {
      throw fault(named, `belongs to another user (uid ${uid})`, 'Name a file of the user that runs the worker')
    }
    if (ownUid !== undefined && (mode & 0o077) !== 0) {
      const rights = (mode & 0o777).toString(8).padStart(4, '0')
      throw fault(named, `can be used by other users (mode ${rights})`, `Run: chmod 600 ${file}`)
    }
    const token = readFileSync(descriptor, 'utf8').trim()
    if (token.length < minCharacters || !/^[\x21-\x7e]+$/.test(token)) {
      const advice = `Remove it, and the next start creates one`
      throw fault(named, `holds no token of at least ${minCharacters} printable characters without spaces`, advice)
    }
    return token
  } finally {
    closeSync(descriptor)
  }
}

/** Creates the file atomically, and never replaces one: two workers may start with it at the same time. */
function createToken(file: string): void {
  const part = `${file}.${process.pid}.${randomBytes(6).toString('hex')}`
  const descriptor = openSync(part, 'wx', 0o600)
  try {
    writeSync(descriptor, `${randomBytes(tokenBytes).toString('base64url')}\n`)
    fsyncSync(descriptor)
    linkSync(part, file)
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
  } finally {
    closeSync(descriptor)
    unlinkSync(part)
  }
}

function unusable(error: unknown, named: NamedFile): ConfigError {
  if (error instanceof ConfigError) return error
  const why = errorMessage(error)
  const text = `cannot be read or created: ${why}`
  return fault(named, text, 'Name a file in a directory that this user may write to', error)
}

function fault({ file, key }: NamedFile, what: string, advice: string, cause?: unknown): ConfigError {
  return new ConfigError(`The file of "${key}", ${file}, ${what}. ${advice}.`, { code: 'TOKEN_FILE', cause })
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | null)?.code
}
