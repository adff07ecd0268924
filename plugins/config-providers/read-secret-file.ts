import { constants } from 'node:fs'
import { open } from 'node:fs/promises'

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

export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error)
}
