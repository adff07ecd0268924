import { mkdirSync } from 'node:fs'
import { join } from 'node:path'

import { expect } from 'vitest'

import { runProgram } from './program.ts'

const builder = join(import.meta.dirname, '../../../bin/build.js')

/** Builds the package, packs it as it is published, and installs it in `directory`: the directory it lies in then. */
export async function installPackage(directory: string): Promise<string> {
  const built = join(directory, 'built')
  mkdirSync(built, { recursive: true })
  await run(process.execPath, [builder, built], directory)
  await run('npm', ['pack', '--silent', built], directory)
  // A directory without a manifest of its own would install into the next one above that has one.
  await run('npm', ['init', '--yes'], directory)
  const quiet = ['--no-audit', '--no-fund', '--prefer-offline']
  await run('npm', ['install', ...quiet, './penstock-0.1.0.tgz'], directory)
  return join(directory, 'node_modules/penstock')
}

async function run(command: string, args: readonly string[], cwd: string): Promise<void> {
  const program = runProgram(command, args, cwd)
  expect(await program.ended, program.output()).toBe(0)
}
