import { mkdirSync } from 'node:fs'
import { join } from 'node:path'

import { expect } from 'vitest'

import { runProgram } from './program.ts'

const builder = join(import.meta.dirname, '../../../bin/build.js')

/** Builds the package, packs it as it is published, and installs it in `folder`: the directory it lies in then. */
export async function installPackage(folder: string): Promise<string> {
  const built = join(folder, 'built')
  mkdirSync(built, { recursive: true })
  await run(process.execPath, [builder, built], folder)
  await run('npm', ['pack', '--silent', built], folder)
  // A directory without a manifest of its own would install into the next one above that has one.
  await run('npm', ['init', '--yes'], folder)
  const quiet = ['--no-audit', '--no-fund', '--prefer-offline']
  await run('npm', ['install', ...quiet, './penstock-0.1.0.tgz'], folder)
  return join(folder, 'node_modules/penstock')
}

async function run(command: string, args: readonly string[], cwd: string): Promise<void> {
  const program = runProgram(command, args, cwd)
  expect(await program.ended, program.output()).toBe(0)
}
