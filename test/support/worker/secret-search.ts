import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import { expect } from 'vitest'

import { runKcat } from '../broker/kcat-runner.ts'
import { service } from '../services.ts'
import type { WorkerProcess } from './worker-process.ts'

const internalTopics = ['connect-configs', 'connect-offsets', 'connect-status']

/** All that leaves a worker with these connectors, by where it is found: responses, internal topics, files, output. */
export async function everythingOf(
  worker: WorkerProcess,
  connectors: Readonly<Record<string, Readonly<Record<string, string>>>>,
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>()
  const get = async (path: string): Promise<void> => {
    found.set(`GET ${path}`, await (await fetch(worker.place.rest + path)).text())
  }
  for (const path of [
    '/connectors?expand=info&expand=status',
    '/connector-plugins?connectorsOnly=false',
    '/metrics',
    '/health',
  ])
    await get(path)
  for (const [name, config] of Object.entries(connectors)) {
    const below = [
      '',
      '/config',
      '/tasks',
      '/tasks-config',
      '/status',
      '/tasks/0/status',
      '/topics',
      '/offsets',
      '/errors',
    ]
    for (const path of below) await get(`/connectors/${name}${path}`)
    const path = `/connector-plugins/${config['connector.class']}/config/validate`
    const body = JSON.stringify({ ...config, name })
    const response = await fetch(worker.place.rest + path, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body,
    })
    found.set(`PUT ${path} of ${name}`, await response.text())
  }
  for (const topic of internalTopics) {
    const args = ['-b', worker.place.broker, '-C', '-t', topic, '-o', 'beginning', '-e', '-q', '-f', '%k %s\\n']
    const run = await runKcat(service('kcat'), args)
    expect(run).toMatchObject({ code: 0, stderr: '' })
    found.set(`topic ${topic}`, run.stdout)
  }
  for (const entry of readdirSync(worker.place.directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (entry.isFile()) found.set(`file ${path}`, readFileSync(path, 'latin1'))
  }
  found.set('output', worker.output)
  return found
}

/** The places that hold a secret, as it is or in another form. */
export function placesOf(secret: string, everything: ReadonlyMap<string, string>): readonly string[] {
  const forms = [
    secret,
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(secret),
    Buffer.from(secret).toString('base64').slice(0, -4),
    Buffer.from(secret).toString('latin1'),
  ]
  return [...everything].filter(([, text]) => forms.some((form) => text.includes(form))).map(([place]) => place)
}
