import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { describe, expect, it } from 'vitest'

import { cliStage } from '../../../support/cli/cli-stage.ts'

const token = 'a-token-of-more-than-thirty-two-characters'
const stage = cliStage((directory) => ({ XDG_CONFIG_HOME: directory }))
const { penstock } = stage
const create = async (name: string, config: Readonly<Record<string, string>>): Promise<void> => {
  await stage.herder.createConnector(name, { ...config, name }, null, new AbortController().signal)
}
const sink = { 'connector.class': 'FileStreamSink', topics: 'lines', 'tasks.max': '2' }

describe('a command', () => {
  it('names what it does not understand, with exit code 2', async () => {
    expect(await penstock(['connectors', 'lst'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('Did you mean list?'),
    })
    expect(await penstock(['tasks', 'get', 'a'])).toMatchObject({ code: 2, err: expect.stringContaining('TASK') })
    expect(await penstock(['tasks', 'list', '--jsn'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('--json'),
    })
    expect(await penstock(['tasks', 'restart', 'a', 'b'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('number of a task'),
    })
  })

  it('shows help with examples that fits the terminal, in colours only where they are wanted', async () => {
    const { code, out } = await penstock(['connectors', 'create', '--help'], { columns: 80 })
    expect(code).toBe(0)
    expect(out).toContain(
      'Examples:\n  # create the connector that a file describes\n  penstock connectors create orders.json',
    )
    expect(out).not.toContain('\u001b')
    expect((await penstock(['tasks', '--help'], { columns: 80, hasColors: true })).out).toContain('\u001b[')
  })
})

describe('penstock tasks', () => {
  it('lists tasks, shows why one failed, and restarts it', async () => {
    await create('copy', sink)
    stage.herder.failedTasks.set('copy-1', 'ConnectError: disk full\n\tat write')
    expect((await penstock(['tasks', 'list'])).out).toContain(
      'copy          1  FAILED   127.0.0.1:8083  ConnectError: disk full\n',
    )
    const task = await penstock(['tasks', 'get', 'copy', '1'])
    expect(task).toMatchObject({
      code: 1,
      out: expect.stringContaining('trace  ConnectError: disk full\n           at write\n'),
    })
    expect(await penstock(['tasks', 'restart', 'copy', '1'])).toMatchObject({
      code: 0,
      out: '✔ restarted task 1 of copy\n',
    })
    expect(await penstock(['tasks', 'get', 'copy', '1'])).toMatchObject({ code: 0 })
    expect(await penstock(['tasks', 'get', 'copy', '7'])).toMatchObject({ code: 5 })
    expect(await penstock(['tasks', 'list', 'none'])).toMatchObject({ code: 5 })
  })
})

describe('penstock offsets', () => {
  it('sets and shows offsets of a sink', async () => {
    await create('copy', sink)
    expect(await penstock(['offsets', 'set', 'copy', 'lines:0=12', 'lines:1=3'])).toMatchObject({ code: 0 })
    expect((await penstock(['offsets', 'get', 'copy'])).out).toBe(
      'TOPIC  PARTITION  OFFSET\nlines  0          12\nlines  1          3\n',
    )
    const saved = await penstock(['offsets', 'get', 'copy', '--json'])
    expect(await penstock(['offsets', 'reset', 'copy', '--yes'])).toMatchObject({ code: 0 })
    expect(await penstock(['offsets', 'set', 'copy', '--file', '-'], { stdin: saved.out })).toMatchObject({ code: 0 })
    expect((await penstock(['offsets', 'get', 'copy', '--json'])).out).toBe(saved.out)
  })

  it('sets offsets of a source as JSON', async () => {
    await create('lines', { 'connector.class': 'FileStreamSource', topic: 'lines' })
    const args = ['offsets', 'set', 'lines', '--partition', '{"filename":"a"}', '--offset', '{"position":7}']
    expect(await penstock(args)).toMatchObject({ code: 0 })
    expect((await penstock(['offsets', 'get', 'lines'])).out).toContain('{"filename":"a"}  {"position":7}')
    expect(await penstock(['offsets', 'set', 'lines', '--partition', '{"filename":"a"}'])).toMatchObject({ code: 2 })
    expect(await penstock(['offsets', 'set', 'lines', 'a=b'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('orders:0=1200'),
    })
    expect(await penstock(['offsets', 'set', 'lines'])).toMatchObject({ code: 2 })
  })
})

describe('penstock plugins and loggers', () => {
  it('lists plugins, and their options with what they mean', async () => {
    expect((await penstock(['plugins', 'list'])).out).toMatch(
      /^org\.apache\.kafka\.connect\.file\.FileStreamSinkConnector +sink +3\.9\.1$/m,
    )
    const required = await penstock(['plugins', 'describe', 'FileStreamSource', '--required'])
    expect(required.out).toMatch(
      /^OPTION +TYPE +DEFAULT +MEANING\ntopic +string +required +The topic to publish data to\n/,
    )
    const narrow = await penstock(['plugins', 'describe', 'FileStreamSource', '--required'], { columns: 80 })
    expect(narrow.out).toMatch(/^topic {2}string {2}required\n {4}The topic to publish data to\n/)
    expect(await penstock(['plugins', 'describe', 'Nothing'])).toMatchObject({ code: 5 })
    expect(await penstock(['plugins', 'describe', 'FileStreamSource', '--filter', 'qqq'])).toMatchObject({ code: 5 })
  })

  it('sets the level of a logger', async () => {
    expect(await penstock(['loggers', 'set', 'connect.rest', 'debug'])).toMatchObject({
      code: 0,
      out: '✔ connect.rest is DEBUG, 1 logger\n',
    })
    expect((await penstock(['loggers', 'list'])).out).toContain('connect.rest  DEBUG')
  })
})

describe('penstock context', () => {
  const contextsPath = (): string => join(stage.directory, 'penstock', 'contexts.json')
  const environment = { PENSTOCK_URL: '' }

  it('remembers servers in a file of this user, and uses one', async () => {
    await penstock(['context', 'add', 'here', '--url', `${stage.server.url}/`], { env: environment })
    await penstock(['context', 'add', 'other', '--url', 'http://127.0.0.1:1'], { env: environment })
    expect(statSync(contextsPath()).mode & 0o777).toBe(0o600)
    expect(await penstock(['connectors', 'list'], { env: environment })).toMatchObject({ code: 0 })
    expect(await penstock(['connectors', 'list', '--context', 'other'], { env: environment })).toMatchObject({
      code: 3,
    })
    await penstock(['context', 'use', 'other'], { env: environment })
    expect(await penstock(['connectors', 'list'], { env: environment })).toMatchObject({ code: 3 })
    expect((await penstock(['context', 'list'])).out).toContain('*  other  http://127.0.0.1:1')
    await penstock(['context', 'remove', 'other'])
    expect(await penstock(['context', 'use', 'other'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('There are: here'),
    })
  })

  it('logs in with a secret that it only knows the place of', async () => {
    await stage.restart({ token })
    const refused = await penstock(['connectors', 'list', '--url', stage.server.url])
    expect(refused).toMatchObject({ code: 4, err: expect.stringContaining('penstock context add NAME') })
    await penstock(['context', 'add', 'here', '--url', stage.server.url, '--token', 'env:MY_TOKEN'], {
      env: environment,
    })
    expect(readFileSync(contextsPath(), 'utf8')).toContain('env:MY_TOKEN')
    const unset = await penstock(['connectors', 'list'], { env: environment })
    expect(unset).toMatchObject({ code: 2, err: expect.stringContaining('MY_TOKEN') })
    expect(await penstock(['connectors', 'list'], { env: { ...environment, MY_TOKEN: token } })).toMatchObject({
      code: 0,
    })
    const path = join(stage.directory, 'token')
    writeFileSync(path, token, { mode: 0o644 })
    await penstock(['context', 'add', 'here', '--url', stage.server.url, '--token', `file:${path}`], {
      env: environment,
    })
    expect(await penstock(['connectors', 'list'], { env: environment })).toMatchObject({
      code: 2,
      err: expect.stringContaining('chmod 600'),
    })
    rmSync(path)
    writeFileSync(path, token, { mode: 0o600 })
    expect(await penstock(['connectors', 'list'], { env: environment })).toMatchObject({ code: 0 })
  })

  it.each([
    [['--url', 'here'], 'is the address of a server'],
    [['--url', 'http://user:secret@here'], 'which other users of this machine can see'],
    [['--url', 'http://here', '--token', 'secret'], 'env:NAME for an environment variable'],
    [['--url', 'http://here', '--user', 'alice'], 'belong together'],
    [[], '--url URL is missing'],
  ])('refuses %s', async (args, reason) => {
    expect(await penstock(['context', 'add', 'x', ...args])).toMatchObject({
      code: 2,
      err: expect.stringContaining(reason),
    })
  })
})
