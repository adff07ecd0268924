import { execFileSync } from 'node:child_process'

import { findBinary } from '../../src/servers/command.ts'
import { reasonOf, ServerError } from '../../src/servers/server-error.ts'

/** The tools that suites call, and the Debian packages that bring them. */
const packages = { kcat: 'kcat', psql: 'postgresql-client' }

/** The path of a tool: of PATH, else installed by apt where that is ours to do. @throws ServerError that says how to have it. */
export function findTool(name: keyof typeof packages): string {
  const found = findBinary(name)
  if (found !== null) return found
  if (findBinary('apt-get') === null || process.getuid?.() !== 0) throw new ServerError(`install ${packages[name]}.`)
  const apt = (...args: string[]): Buffer =>
    execFileSync('apt-get', args, { stdio: 'ignore', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } })
  try {
    apt('update')
    apt('install', '--yes', '--no-install-recommends', packages[name])
  } catch (error) {
    throw new ServerError(`apt-get install ${packages[name]}: ${reasonOf(error)}.`, { cause: error })
  }
  return findBinary(name) ?? `/usr/bin/${name}`
}
