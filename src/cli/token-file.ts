import { errorMessage } from '../foundation/error-message.ts'
import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, linkSync, openSync, unlinkSync, writeSync } from 'node:fs'
import { resolve } from 'node:path'

import { ConfigError } from '../api/errors.ts'
import { isToken, minTokenLength } from '../foundation/network/token-hash.ts'
import { PrivateFile } from './private-file.ts'

const tokenBytes = 32
const maxBytes = 4096

/**
 * Returns the token in a file that only this user can read. A missing file is created, with a random token of 256 bits; an
 * existing one is never written to.
 * @param key the setting or flag that names the file, for errors
 * @throws ConfigError TOKEN_FILE when other users can read or write it, when it has no token, or when it cannot be used
 */
export function tokenOf(path: string, key: string): string {
  const file = new PrivateFile(resolve(path), {
    key,
    code: 'TOKEN_FILE',
    content: 'a token',
    maxBytes,
    isGroupReadable: false,
  })
  try {
    return readToken(file)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw unusable(error, file)
  }
  try {
    createToken(file.path)
    return readToken(file)
  } catch (error) {
    throw unusable(error, file)
  }
}

function readToken(file: PrivateFile): string {
  const token = file.read().trim()
  if (isToken(token)) return token
  throw file.fault(
    `holds no token of at least ${minTokenLength} printable characters without spaces`,
    'Remove it, and the next start creates one',
  )
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

function unusable(error: unknown, file: PrivateFile): ConfigError {
  if (error instanceof ConfigError) return error
  const text = `cannot be read or created: ${errorMessage(error)}`
  return file.fault(text, 'Name a file in a directory that this user may write to', error)
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | null)?.code
}
