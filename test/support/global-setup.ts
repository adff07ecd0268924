import { existsSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'

import type { TestProject } from 'vitest/node'

import { serviceNames, serviceVariables, type Service, type ServiceName } from './service-names.ts'

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

function onPath(binary: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  return folders.map((folder) => join(folder, binary)).find((path) => existsSync(path))
}

function find(name: ServiceName): Service {
  const address = process.env[serviceVariables[name]] || (name === 'kcat' ? onPath('kcat') : undefined)
  return address === undefined ? { missing: `set ${serviceVariables[name]}` } : { address }
}

/** Provides the servers that the selected suites ask for. TEST_SERVICES, a list of names, leaves all others out. */
export default async function setup(project: TestProject): Promise<void> {
  const files = await selectedFiles(project)
  const allowed = process.env['TEST_SERVICES']?.split(',')
  const services: Partial<Record<ServiceName, Service>> = {}
  for (const name of neededServices(files.map((file) => readFileSync(file, 'utf8')))) {
    const left = allowed !== undefined && !allowed.includes(name)
    services[name] = left ? { missing: 'left out by TEST_SERVICES' } : find(name)
  }
  project.provide('services', services)
}
