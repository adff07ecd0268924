import { cpSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'

import { expect } from 'vitest'

import { systemClock } from '../../../src/foundation/clock.ts'
import { Cache } from '../../../src/servers/cache.ts'
import { runProgram } from './program.ts'

const builder = join(import.meta.dirname, '../../../bin/build.js')

/**
 * Installs the package in `directory` as it is published: built, packed and installed once a test run, and copied. Returns the
 * directory it lies in then.
 */
export async function installPackage(directory: string): Promise<string> {
  const runDirectory = process.env['TEST_RUN_DIRECTORY']
  if (runDirectory === undefined) throw new TypeError('TEST_RUN_DIRECTORY is set by test/support/global-setup.ts')
  const cache = new Cache(runDirectory, systemClock)
  const installed = await cache.get('package', AbortSignal.timeout(300_000), (entry) => installPacked(entry))
  cpSync(join(installed, 'home'), directory, { recursive: true, verbatimSymlinks: true })
  return join(directory, 'node_modules/penstock')
}

async function installPacked(cacheEntry: string): Promise<void> {
  // npm makes a package name of the directory's, and that of a cache entry in the making is none.
  const directory = join(cacheEntry, 'home')
  const built = join(directory, 'built')
  mkdirSync(built, { recursive: true })
  await run(process.execPath, [builder, built], directory)
  await run('npm', ['pack', '--silent', built], directory)
  // A directory without a manifest of its own would install into the next one above that has one.
  await run('npm', ['init', '--yes'], directory)
  const quiet = ['--no-audit', '--no-fund', '--prefer-offline']
  await run('npm', ['install', ...quiet, './penstock-0.1.0.tgz'], directory)
}

async function run(command: string, args: readonly string[], cwd: string): Promise<void> {
  const program = runProgram(command, args, cwd)
  expect(await program.ended, program.output()).toBe(0)
}
