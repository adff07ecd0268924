import { globSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { parseSync } from 'oxc-parser'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { installPackage } from '../../support/worker/installed-package.ts'
import { runProgram } from '../../support/worker/program.ts'
import { untilPasses } from '../../support/until.ts'
import { WorkerProcess, workerPlace } from '../../support/worker/worker-process.ts'

/** Bundled packages do without these: each is required inside a `try`, when it is asked for, or on other platforms. */
const optional = [
  'apache-arrow/Arrow.node',
  'pg-native',
  'pg-cloudflare',
  'supports-color',
  '@aws-sdk/signature-v4-crt',
  '@aws-sdk/signature-v4a',
]

describe('the package as it is published', () => {
  let directory = ''
  let home = ''
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'penstock-package-'))
    home = await installPackage(directory)
  })
  afterAll(() => rmSync(directory, { recursive: true, force: true }))

  const modules = (): string[] => globSync('{src,chunks,connectors,plugins,bin}/**/*.js', { cwd: home })

  it('imports nothing but what it depends on', () => {
    const { dependencies } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>
    }
    const allowed = new Set([...Object.keys(dependencies), ...optional])
    const foreign = modules().flatMap((path) =>
      importsOf(readFileSync(join(home, path), 'utf8'))
        .filter((name) => !name.startsWith('.') && !isBuiltin(name) && !allowed.has(name))
        .map((name) => `${path}: ${name}`),
    )
    expect(foreign).toEqual([])
  })

  it('holds every module that its modules name by URL', () => {
    const named = modules().flatMap((path) => {
      const text = readFileSync(join(home, path), 'utf8')
      return [...text.matchAll(/new URL\(["'`](\.[^"'`$]*\.js)["'`], import\.meta\.url\)\.href/g)].map(
        ([, url]) => new URL(url ?? '', `file://${join(home, path)}`).pathname,
      )
    })
    expect(named.length).toBeGreaterThan(5)
    // They name the package's root by the place of the module in the sources, so that directory has to be one that is there.
    for (const path of named) expect(path.startsWith(`${home}/`), path).toBe(true)
    const threads = [
      'src/broker/broker-thread',
      'src/log/disk/disk-sync-thread',
      'src/servers/process/watchdog-process',
    ]
    const entries = ['src/runtime/task-thread/task-thread-entry', 'src/runtime/plugin-thread/plugin-thread-entry']
    for (const entry of [...threads, ...entries]) expect(statSync(join(home, `${entry}.js`)).isFile()).toBe(true)
  })

  it('names the licence of every package that it holds', () => {
    const text = readFileSync(join(home, 'THIRD-PARTY-LICENCES'), 'utf8')
    for (const name of [
      'pg',
      'pino',
      'kafkajs',
      'yaml',
      '@elastic/elasticsearch',
      '@elastic/transport',
      '@aws-sdk/client-s3',
    ])
      expect(text).toMatch(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+ \\(`, 'm'))
  })

  it('gives authors of plugins the types of the API and of the contract suites', async () => {
    const author = [
      "import { ConnectError, type ConnectorPlugin, type SinkRecord } from 'penstock/api'",
      "import { sinkContract, type ContractCase, type SinkFixture } from 'penstock/testing'",
      'export const first = (records: readonly SinkRecord[]): string => records[0]?.topic ?? ""',
      'export const fail = (): never => { throw new ConnectError("no") }',
      'export const cases = (plugin: ConnectorPlugin, prepare: () => SinkFixture): readonly ContractCase[] =>',
      '  sinkContract({ plugin, prepare, repeats: true })',
    ]
    writeFileSync(join(directory, 'plugin.ts'), author.join('\n'))
    const tsc = join(import.meta.dirname, '../../../node_modules/.bin/tsc')
    const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'esnext', '--skipLibCheck', 'false']
    const types = ['--types', 'node', '--typeRoots', join(import.meta.dirname, '../../../node_modules/@types')]
    const checked = runProgram(tsc, [...options, ...types, 'plugin.ts'], directory)
    expect(await checked.ended, checked.output()).toBe(0)
  })

  it('gives them the modules, whose classes know each other', async () => {
    const program = `
      import { ConnectError } from 'penstock/api'
      import { ContractError, manifestContract } from 'penstock/testing'
      console.log(ContractError.prototype instanceof ConnectError, manifestContract('.').length)`
    const ran = runProgram(process.execPath, ['--input-type=module', '-e', program], directory)
    expect(await ran.ended, ran.output()).toBe(0)
    expect(ran.output().trim()).toBe('true 2')
  })

  it.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'])('runs a source and a sink, compressed by %s', async (codec) => {
    const [from, to] = [join(directory, `from-${codec}`), join(directory, `to-${codec}`)]
    writeFileSync(from, 'one\ntwo\n')
    const place = await workerPlace(join(directory, `log-${codec}`))
    const worker = await WorkerProcess.start(
      place,
      { 'producer.compression.type': codec, 'value.converter': 'org.apache.kafka.connect.storage.StringConverter' },
      {},
      join(home, 'bin/penstock.js'),
    )
    try {
      await create(place.rest, 'from', { 'connector.class': 'FileStreamSource', file: from, topic: 'lines' })
      await create(place.rest, 'to', { 'connector.class': 'FileStreamSink', file: to, topics: 'lines' })
      await untilPasses(() => expect(readFileSync(to, 'utf8')).toBe('one\ntwo\n'))
    } finally {
      await worker.stop()
    }
  })

  it('fails a task by name whose compression has no module on this machine, and continues without it', async () => {
    rmSync(join(directory, 'node_modules/@antoniomuso'), { recursive: true })
    const [from, log] = [join(directory, 'from-bare'), join(directory, 'log-bare')]
    writeFileSync(from, 'one\n')
    const worker = await WorkerProcess.start(await workerPlace(log), {}, {}, join(home, 'bin/penstock.js'))
    const { rest } = worker.place
    try {
      const page = await fetch(`${rest}/ui/app.js`)
      expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/javascript; charset=utf-8'])
      await page.arrayBuffer()
      const source = { 'connector.class': 'FileStreamSource', file: from, topic: 'lines' }
      await create(rest, 'bare', { ...source, 'producer.override.compression.type': 'lz4' })
      await untilPasses(async () => {
        const status = (await (await fetch(`${rest}/connectors/bare/status`)).json()) as { tasks: { trace?: string }[] }
        expect(status.tasks[0]).toMatchObject({ state: 'FAILED' })
        expect(status.tasks[0]?.trace).toMatch(
          /^ProtocolError: compression lz4 has no native module .*use gzip or zstd/,
        )
      })
      await create(rest, 'packed', { ...source, 'producer.override.compression.type': 'zstd' })
      await untilPasses(async () => {
        const status = await (await fetch(`${rest}/connectors/packed/status`)).text()
        expect(status).toContain('"tasks":[{"id":0,"state":"RUNNING"')
      })
    } finally {
      await worker.stop()
    }
  })
})

async function create(rest: string, name: string, config: Record<string, string>): Promise<void> {
  const body = JSON.stringify({ name, config })
  const response = await fetch(`${rest}/connectors`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  })
  expect(response.status, await response.text()).toBe(201)
}

/** What a module imports or requires by a literal name. A method may be called `require`. */
function importsOf(text: string): string[] {
  const { module } = parseSync('module.js', text)
  const fixed = module.staticImports.map((each) => each.moduleRequest.value)
  const lazy = module.dynamicImports.map(
    (each) => /^["'](.+)["']$/.exec(text.slice(each.moduleRequest.start, each.moduleRequest.end))?.[1],
  )
  const required = [...text.matchAll(/(?<![.\w])(?:require|__require)\d*\(["']([^"']+)["']\)/g)].map(([, name]) => name)
  return [...fixed, ...lazy, ...required].filter((name) => name !== undefined)
}
