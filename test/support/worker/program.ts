import { spawn, type ChildProcess } from 'node:child_process'
import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'

import { expect, vi } from 'vitest'

const root = join(import.meta.dirname, '../../..')

/** A program that runs, with all it has written. */
export interface Program {
  readonly child: ChildProcess
  /** Standard output and standard error so far. */
  output(): string
  /** Exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>
}

/** Runs a program in `cwd`. */
export function runProgram(
  command: string,
  args: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv = process.env,
): Program {
  const child = spawn(command, [...args], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => (output += text))
  const ended = new Promise<number | string>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve(code ?? signal ?? 'unknown'))
  })
  return { child, output: () => output, ended }
}

/** Runs `penstock` with these arguments. */
export function runPenstock(args: readonly string[], cwd: string, env?: NodeJS.ProcessEnv): Program {
  return runProgram(process.execPath, [join(root, 'bin/penstock.js'), ...args], cwd, env)
}

/** Resolves when the output matches; fails with the output when it has not after `timeoutMs`. */
export async function written(program: Program, pattern: RegExp, timeoutMs: number): Promise<RegExpExecArray> {
  return vi.waitFor(
    () => {
      const match = pattern.exec(program.output())
      if (match === null) expect.fail(`not written: ${pattern}. Written so far:\n${program.output()}`)
      return match
    },
    { timeout: timeoutMs, interval: 20 },
  )
}

/** A directory that looks like a checkout to a command such as `bin/penstock.js worker`, and keeps what that writes. */
export function checkoutFolder(directory: string): string {
  mkdirSync(directory, { recursive: true })
  for (const name of ['bin', 'dist']) symlinkSync(join(root, name), join(directory, name))
  return directory
}
