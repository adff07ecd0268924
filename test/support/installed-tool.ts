import { errorMessage } from '../../src/foundation/error-message.ts'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'

import { cacheDirectory } from '../../src/servers/cache.ts'
import { findBinary } from '../../src/servers/process/command.ts'
import { ServerError } from '../../src/servers/server-error.ts'

/**
 * The tools that suites call, and the Debian packages that bring them. `unpacked`: only the program is taken out of the package,
 * because installing it would also start a server.
 */
const packages = {
  kcat: { name: 'kcat', unpacked: false },
  psql: { name: 'postgresql-client', unpacked: false },
  promtool: { name: 'prometheus', unpacked: true },
}

export type ToolName = keyof typeof packages

/** Whether that is a tool, and no server. */
export function isTool(name: string): name is ToolName {
  return Object.hasOwn(packages, name)
}

/** The path of a tool: of PATH, else from Debian's package where apt is ours to use. @throws ServerError that says how to have it. */
export function findTool(tool: ToolName): string {
  const found = findBinary(tool)
  if (found !== null) return found
  const { name, unpacked } = packages[tool]
  if (findBinary('apt-get') === null || process.getuid?.() !== 0) throw new ServerError(`install ${name}.`)
  try {
    return unpacked ? unpack(tool, name) : install(tool, name)
  } catch (error) {
    throw new ServerError(`apt-get, package ${name}: ${errorMessage(error)}.`, { cause: error })
  }
}

function apt(args: readonly string[], cwd?: string): void {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  execFileSync('apt-get', args, { stdio: 'ignore', env, ...(cwd === undefined ? {} : { cwd }) })
}

function install(tool: ToolName, name: string): string {
  apt(['update'])
  apt(['install', '--yes', '--no-install-recommends', name])
  return findBinary(tool) ?? `/usr/bin/${tool}`
}

function unpack(tool: ToolName, name: string): string {
  const directory = join(cacheDirectory(), 'tools')
  const path = join(directory, tool)
  mkdirSync(directory, { recursive: true })
  if (readdirSync(directory).includes(tool)) return path
  const scratch = mkdtempSync(join(directory, 'unpack-'))
  try {
    apt(['update'])
    apt(['-o', 'APT::Sandbox::User=root', 'download', name], scratch)
    const archive = readdirSync(scratch).find((file) => file.endsWith('.deb'))
    execFileSync('dpkg-deb', ['--extract', join(scratch, archive ?? ''), scratch], { stdio: 'ignore' })
    renameSync(join(scratch, 'usr/bin', tool), path)
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
  return path
}
