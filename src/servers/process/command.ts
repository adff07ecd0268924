import { spawn } from 'node:child_process'
import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'

import type { Account } from '../account.ts'
import { ServerError } from '../server-error.ts'

/** How to run a command. */
export interface CommandOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly account?: Account | null
  readonly signal?: AbortSignal
  /** Receives each line of output, to report progress. */
  readonly onLine?: (line: string) => void
}

const keptBytes = 64 * 1024

/** Runs a command and returns its standard output. @throws ServerError with the end of its output if it fails. */
export async function run(command: string, args: readonly string[], options: CommandOptions = {}): Promise<string> {
  const account = options.account ?? null
  const child = spawn(command, [...args], {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    ...(account === null ? {} : { uid: account.uid, gid: account.gid }),
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const kept = { out: '', all: '' }
  const keep = (text: string): void => {
    kept.all = (kept.all + text).slice(-keptBytes)
    for (const line of text.split('\n')) if (line.trim() !== '') options.onLine?.(line.trim())
  }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    kept.out = (kept.out + text).slice(-keptBytes)
    keep(text)
  })
  child.stderr.setEncoding('utf8').on('data', keep)
  const code = await new Promise<number | string>((resolve, reject) => {
    child.once('error', (error) => reject(new ServerError(`${command}: ${error.message}`, { cause: error })))
    child.once('close', (exit, signal) => resolve(exit ?? signal ?? 'unknown'))
  })
  if (code === 0) return kept.out
  throw new ServerError(`${[command, ...args].join(' ').slice(0, 200)} ended with ${code}: ${lastLines(kept.all)}`)
}

/** Returns the last lines of an output, for an error message. */
export function lastLines(text: string, count = 12): string {
  return text.trimEnd().split('\n').slice(-count).join('\n')
}

/** Returns the path of an executable in PATH (or in `directories`); null if there is none. */
export function findBinary(name: string, directories = (process.env['PATH'] ?? '').split(delimiter)): string | null {
  for (const directory of directories) {
    const path = join(directory, name)
    try {
      accessSync(path, constants.X_OK)
      if (directory !== '' && statSync(path).isFile()) return path
    } catch {
      continue // not in this directory
    }
  }
  return null
}
