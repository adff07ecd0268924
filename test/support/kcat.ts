import { execFileSync } from 'node:child_process'

import { findBinary } from '../../src/servers/command.ts'
import { reasonOf, ServerError } from '../../src/servers/server-error.ts'

/** The path of kcat: of PATH, else installed by apt where that is ours to do. @throws ServerError that says how to have it. */
export function findKcat(): string {
  const found = findBinary('kcat')
  if (found !== null) return found
  if (findBinary('apt-get') === null || process.getuid?.() !== 0)
    throw new ServerError('install kcat, or set TEST_KCAT')
  const apt = (...args: string[]): Buffer =>
    execFileSync('apt-get', args, { stdio: 'ignore', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } })
  try {
    apt('update')
    apt('install', '--yes', '--no-install-recommends', 'kcat')
  } catch (error) {
    throw new ServerError(`apt-get install kcat: ${reasonOf(error)}`, { cause: error })
  }
  return findBinary('kcat') ?? '/usr/bin/kcat'
}
