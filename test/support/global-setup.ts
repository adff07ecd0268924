import { errorMessage } from '../../src/foundation/error-message.ts'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { TestProject } from 'vitest/node'

import { Servers } from '../../src/servers/servers.ts'
import { findTool, isTool } from './installed-tool.ts'
import { serviceNames, serviceVariables, type Service, type ServiceName, type Services } from './service-names.ts'

/** The names that `describeWith([...])` calls in these sources ask for. */
export function neededServices(sources: readonly string[]): Set<ServiceName> {
  const needed = new Set<ServiceName>()
  for (const source of sources) {
    for (const [, list] of source.matchAll(/describeWith\(\s*\[([^\]]*)\]/g)) {
      for (const name of serviceNames) if (list?.includes(`'${name}'`)) needed.add(name)
    }
  }
  return needed
}

async function selectedFiles(root: TestProject): Promise<string[]> {
  // The command line's file filters are not part of vitest's typed surface; without them every file counts.
  const pattern: unknown = Reflect.get(root.vitest, 'filenamePattern')
  const filters = Array.isArray(pattern) ? pattern.map(String) : []
  const lists = await Promise.all(root.vitest.projects.map((project) => project.globTestFiles(filters)))
  return lists.flatMap((list) => list.testFiles)
}

async function provide(name: ServiceName, servers: () => Servers): Promise<Service> {
  const allowed = process.env['TEST_SERVICES']?.split(',')
  if (allowed !== undefined && !allowed.includes(name)) return { missing: 'left out by TEST_SERVICES' }
  const variable = serviceVariables[name]
  const given = process.env[variable]
  if (given !== undefined && given !== '') return { address: given }
  try {
    return { address: isTool(name) ? findTool(name) : (await servers().get(name)).address }
  } catch (error) {
    return { missing: `${errorMessage(error)} Tests take a running one from ${variable}.` }
  }
}

/**
 * Provides the servers that the selected suites ask for: those that the environment names, else started for this run.
 * TEST_SERVICES, a list of names, leaves all others out.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const files = await selectedFiles(project)
  const needed = [...neededServices(files.map((file) => readFileSync(file, 'utf8')))]
  let servers: Servers | null = null
  const open = (): Servers =>
    (servers ??= Servers.open({ report: ({ doing }) => process.stderr.write(`test servers: ${doing} …\n`) }))
  const provided = await Promise.all(needed.map(async (name) => [name, await provide(name, open)] as const))
  const services: Services = Object.fromEntries(provided)
  for (const [name, found] of provided) {
    if ('missing' in found) process.stderr.write(`test servers: no ${name}: ${found.missing}\n`)
  }
  project.provide('services', services)
  // Test workers inherit it: what one of them makes there, such as the installed package, the others use.
  const runDirectory = mkdtempSync(join(tmpdir(), 'penstock-test-run-'))
  process.env['TEST_RUN_DIRECTORY'] = runDirectory
  return async () => {
    rmSync(runDirectory, { recursive: true, force: true })
    await servers?.close()
  }
}
