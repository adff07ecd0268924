import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { installPackage } from '../../support/worker/installed-package.ts'
import { runProgram } from '../../support/worker/program.ts'
import { WorkerProcess, workerPlace } from '../../support/worker/worker-process.ts'
import { untilPasses } from '../../support/until.ts'

const root = join(import.meta.dirname, '../../..')
const packed = 'penstock-example-plugin'

/** The server of the example's own tests. */
interface ExampleServer {
  readonly url: string
  readonly stored: ReadonlyMap<string, string | null>
  start(): Promise<void>
  add(count: number): readonly string[]
  close(): Promise<void>
}

describe('a package of plugins, installed beside the published package', () => {
  let directory = ''
  let home = ''
  let plugins = ''
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'penstock-example-'))
    home = await installPackage(directory)
    await run('npm', ['pack', '--silent', join(root, 'test/example-plugin')])
    await run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', `./${packed}-1.0.0.tgz`])
    plugins = join(directory, 'node_modules', packed)
  })
  afterAll(() => rmSync(directory, { recursive: true, force: true }))

  async function run(command: string, args: readonly string[], cwd = directory): Promise<string> {
    const program = runProgram(command, args, cwd)
    expect(await program.ended, program.output()).toBe(0)
    return program.output()
  }

  it('passes its own tests', async () => {
    const output = await run('npm', ['test'], plugins)
    expect(output).toMatch(/# fail 0\n|ℹ fail 0\n/)
    expect(output).toContain('resumes exactly after the offset of any record')
    expect(output).toContain('returns no offset that is not durable')
  })

  it('has types that agree with those of the API and the suites', async () => {
    const tsc = join(root, 'node_modules/.bin/tsc')
    await run(tsc, ['-p', plugins, '--typeRoots', join(root, 'node_modules/@types')])
  })

  it('runs its connectors in a worker of the published package', async () => {
    const { ExampleServer } = (await import(pathToFileURL(join(plugins, 'test/example-server.js')).href)) as {
      ExampleServer: new () => ExampleServer
    }
    const server = new ExampleServer()
    await server.start()
    const place = await workerPlace(join(directory, 'log'))
    const worker = await WorkerProcess.start(place, { 'plugin.path': plugins }, {}, join(home, 'bin/penstock.js'))
    try {
      const found = (await (await fetch(`${place.rest}/connector-plugins`)).json()) as readonly { class: string }[]
      expect(found).toContainEqual({ class: 'com.example.FeedSourceConnector', type: 'source', version: '1.0.0' })
      expect(found).toContainEqual({ class: 'com.example.StoreSinkConnector', type: 'sink', version: '1.0.0' })
      server.add(3)
      await create(place.rest, 'feed', { 'connector.class': 'FeedSource', url: `${server.url}/feed`, topic: 'entries' })
      await create(place.rest, 'store', {
        'connector.class': 'StoreSink',
        url: `${server.url}/store`,
        topics: 'entries',
      })
      await untilPasses(() => {
        expect(Object.fromEntries(server.stored)).toEqual({
          'entries-0-0': '[1,"entry 1"]',
          'entries-0-1': '[2,"entry 2"]',
          'entries-0-2': '[3,"entry 3"]',
        })
      })
    } finally {
      await worker.stop()
      await server.close()
    }
  })
})

async function create(rest: string, name: string, config: Record<string, string>): Promise<void> {
  const response = await fetch(`${rest}/connectors/${name}/config`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(config),
  })
  expect(response.status, await response.text()).toBe(201)
}
