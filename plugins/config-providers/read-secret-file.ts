import { constants } from 'node:fs'
import { open, realpath } from 'node:fs/promises'

import { ConfigError } from 'penstock/api'

/** The maximum size of a file with secrets in bytes (I10). */
const maxBytes = 1024 * 1024

/**
 * Returns the text of a regular file in UTF-8.
 * @param real a path without symbolic links. One that replaces the file meanwhile is not followed.
 * @param shown the path for errors
 * @throws ConfigError when the file cannot be read, is too large, or is not UTF-8
 */
export async function readSecretFile(real: string, shown: string): Promise<string> {
  try {
    // Without NONBLOCK, opening a named pipe would wait until a program writes to it.
    await using file = await open(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    const stats = await file.stat()
    if (!stats.isFile()) throw new ConfigError(`${shown} is not a regular file`)
    if (stats.size > maxBytes) throw new ConfigError(`${shown} has ${stats.size} bytes; the maximum is ${maxBytes}`)
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(await file.readFile())
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause
    if (cause instanceof TypeError) throw new ConfigError(`${shown} is not encoded in UTF-8`)
    throw new ConfigError(`${shown} cannot be read (${codeOf(cause)})`, { cause })
  }
}

/**
 * Returns the text of a file that the worker's settings name, without surrounding white space. Links are followed: the files
 * that Kubernetes mounts are links.
 * @throws ConfigError when it cannot be read, is empty, or has several lines
 */
export async function readCredentialFile(path: string): Promise<string> {
  let real: string
  try {
    real = await realpath(path)
  } catch (cause) {
    throw new ConfigError(`${path} cannot be read (${codeOf(cause)})`, { cause })
  }
  const text = (await readSecretFile(real, path)).trim()
  if (text === '') throw new ConfigError(`${path} is empty`)
  if (/[\r\n]/.test(text)) throw new ConfigError(`${path} has more than one line`)
  return text
}

export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error)
}
