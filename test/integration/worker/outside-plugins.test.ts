import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { untilPasses } from '../../support/until.ts'
import { WorkerProcess, workerPlace } from '../../support/worker/worker-process.ts'

/** The module of a source whose task runs `poll`, which sees `api` and `emit`. */
const source = (className: string, poll: string): string => `
class Task {
  async start(context) { this.context = context }
  async poll(signal) {
    const emit = () => [{ topic: this.context.config.topic, partition: null, keySchema: null, key: null, valueSchema: null,
      value: 'one', timestamp: null, headers: [], sourcePartition: {}, sourceOffset: {} }]
    if (this.done) return await this.context.clock.sleep(60_000, signal).then(() => null, () => null)
    ${poll}
  }
  async commit() {}
  async stop() {}
}
class Connector {
  async start(config, raw) { this.raw = raw }
  async taskConfigs() { return [this.raw] }
  async stop() {}
}
const plugin = { kind: 'source', className: '${className}', aliases: [], version: '1.0.0',
  configDef: { topic: { type: 'STRING', importance: 'HIGH', doc: 'A topic.' } },
  createConnector: () => new Connector(), createTask: () => new Task() }
`

let directory = ''
let worker: WorkerProcess | null = null
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'penstock-plugins-'))
})
afterEach(async () => {
  await worker?.stop()
  worker = null
  rmSync(directory, { recursive: true, force: true })
})

function pluginAt(name: string, className: string, module: string, text: string, version = '1.0.0'): void {
  mkdirSync(join(directory, 'plugins', name), { recursive: true })
  const plugins = [{ kind: 'source', class: className, module: `./${module}` }]
  const manifest = { name, version, penstock: { plugins } }
  writeFileSync(join(directory, 'plugins', name, 'package.json'), JSON.stringify(manifest))
  writeFileSync(join(directory, 'plugins', name, module), text)
}

async function start(): Promise<string> {
  const place = await workerPlace(join(directory, 'log'))
  worker = await WorkerProcess.start(place, { 'plugin.path': join(directory, 'plugins') })
  return place.rest
}

async function put(rest: string, name: string, className: string): Promise<{ status: number; text: string }> {
  const response = await fetch(`${rest}/connectors/${name}/config`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ 'connector.class': className, topic: name }),
  })
  return { status: response.status, text: await response.text() }
}

const taskOf = async (rest: string, name: string): Promise<unknown> =>
  ((await (await fetch(`${rest}/connectors/${name}/status`)).json()) as { tasks: unknown[] }).tasks[0]

describe('plugins of plugin.path', () => {
  it('get the API of the worker as modules and as CommonJS', async () => {
    const poll = `this.done = true; throw new api.DataError('no digits', { code: 'ACME_DATA' })`
    const esm = `import * as api from 'penstock/api'\n${source('com.acme.EsmSource', poll)}export { plugin }`
    const cjs = `const api = require('penstock/api')\n${source('com.acme.CjsSource', poll)}exports.plugin = plugin`
    pluginAt('esm', 'com.acme.EsmSource', 'index.mjs', esm)
    pluginAt('cjs', 'com.acme.CjsSource', 'index.cjs', cjs)
    const rest = await start()
    for (const [name, className] of [['esm', 'com.acme.EsmSource'] as const, ['cjs', 'com.acme.CjsSource'] as const]) {
      expect(await put(rest, name, className)).toMatchObject({ status: 201 })
      await untilPasses(async () =>
        expect(await taskOf(rest, name)).toMatchObject({
          state: 'FAILED',
          trace: expect.stringContaining('DataError: ACME_DATA: no digits'),
        }),
      )
    }
  })

  it('may bring a copy of the API of their own: its errors mean the same', async () => {
    const poll = `
      this.calls = (this.calls ?? 0) + 1
      if (this.calls < 3) throw new api.RetriableError('the source is away', { code: 'ACME_AWAY' })
      this.done = true
      return emit()`
    pluginAt(
      'own',
      'com.acme.OwnSource',
      'index.mjs',
      `import * as api from './own-api.ts'\n${source('com.acme.OwnSource', poll)}export { plugin }`,
    )
    cpSync(join(import.meta.dirname, '../../../src/api/errors.ts'), join(directory, 'plugins/own/own-api.ts'))
    const rest = await start()
    expect(await put(rest, 'own', 'com.acme.OwnSource')).toMatchObject({ status: 201 })
    await untilPasses(async () => {
      const { topics } = (
        (await (await fetch(`${rest}/connectors/own/topics`)).json()) as { own: { topics: string[] } }
      ).own
      expect(topics).toEqual(['own'])
    })
    expect(await taskOf(rest, 'own')).toMatchObject({ state: 'RUNNING' })
  })

  it('are refused by name when module and manifest differ', async () => {
    pluginAt(
      'late',
      'com.acme.LateSource',
      'index.mjs',
      `${source('com.acme.LateSource', '')}export { plugin }`,
      '1.1.0',
    )
    const { status, text } = await put(await start(), 'late', 'com.acme.LateSource')
    expect(status).toBeGreaterThanOrEqual(400)
    expect(text).toContain('PLUGIN_INVALID: The plugin com.acme.LateSource of file:')
    expect(text).toContain('package.json says version \\"1.1.0\\"')
  })
})
