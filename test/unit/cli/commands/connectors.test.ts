import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { describe, expect, it } from 'vitest'

import { cliStage } from '../../../support/cli/cli-stage.ts'

const stage = cliStage()
const { penstock } = stage

const file = (name: string, text: string): string => {
  const path = join(stage.directory, name)
  writeFileSync(path, text)
  return path
}
const source = { 'connector.class': 'FileStreamSource', file: 'in.txt', topic: 'lines' }
const created = async (name = 'lines'): Promise<void> => {
  const json = JSON.stringify({ name, config: source })
  expect(await penstock(['connectors', 'create', '-'], { stdin: json })).toMatchObject({ code: 0 })
}

describe('penstock connectors', () => {
  it('creates the connectors of files, and lists them', async () => {
    const yaml = 'name: copy\nconfig:\n  connector.class: FileStreamSink\n  topics: lines\n  tasks.max: 2\n'
    const result = await penstock([
      'connectors',
      'create',
      file('lines.json', JSON.stringify(source)),
      file('copy.yaml', yaml),
    ])
    expect(result).toEqual({ code: 0, out: '✔ created lines\n✔ created copy\n', err: '' })
    stage.herder.failedTasks.set('copy-1', 'ConnectError: disk full\n\tat write')
    const list = await penstock(['connectors', 'list'])
    expect(list.out).toBe(
      [
        'NAME   TYPE    STATE    TASKS          CLASS',
        'copy   sink    RUNNING  1 FAILED of 2  FileStreamSink',
        'lines  source  RUNNING  1              FileStreamSource\n',
      ].join('\n'),
    )
    const failed = await penstock(['connectors', 'list', '--state', 'failed', '--json'])
    expect(JSON.parse(failed.out)).toMatchObject([{ name: 'copy', status: { tasks: [{}, { state: 'FAILED' }] } }])
  })

  it('creates one from options, in the state that is asked for', async () => {
    const set = Object.entries(source).flatMap(([key, value]) => ['--set', `${key}=${value}`])
    expect(await penstock(['connectors', 'create', '--name', 'lines', '--state', 'paused', ...set])).toMatchObject({
      code: 0,
    })
    expect(await stage.herder.connectorStatus('lines')).toMatchObject({ connector: { state: 'PAUSED' } })
    expect(await penstock(['connectors', 'create'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('--name NAME'),
    })
  })

  it('says with which exit code the server refuses', async () => {
    await created()
    const again = await penstock(['connectors', 'create', '-'], { stdin: JSON.stringify({ name: 'lines', ...source }) })
    expect(again).toEqual({ code: 6, out: '', err: 'penstock: Connector lines already exists\n' })
    expect(await penstock(['connectors', 'get', 'none'])).toMatchObject({
      code: 5,
      err: 'penstock: Connector none not found\n',
    })
    const bad = await penstock(['connectors', 'create', '-'], {
      stdin: '{"name":"x","connector.class":"FileStreamSource"}',
    })
    expect(bad.code).toBe(7)
    expect(bad.err).toMatch(/1 error\(s\):\nMissing required configuration "topic" which has no default value\.\n$/)
    stage.herder.failure = new RangeError('broken')
    expect(await penstock(['connectors', 'list'])).toMatchObject({ code: 8 })
    await stage.server.close()
    const gone = await penstock(['connectors', 'list'])
    expect(gone).toMatchObject({ code: 3, err: expect.stringContaining('. Start a worker (penstock worker)') })
  })

  it('sends a request again while the workers rebalance', async () => {
    await created()
    let asked = 0
    const info = stage.herder.connectorInfo.bind(stage.herder)
    stage.herder.connectorInfo = async (name) => {
      asked += 1
      if (asked === 1) throw new RangeError('Request cannot be completed because a rebalance is expected')
      return await info(name)
    }
    expect(await penstock(['connectors', 'get', 'lines', '--config'])).toMatchObject({ code: 0 })
    expect(asked).toBe(2)
  })

  it('pauses, resumes, stops and restarts, and waits for the state', async () => {
    await created()
    expect(await penstock(['connectors', 'pause', 'lines'])).toEqual({
      code: 0,
      out: '✔ lines is PAUSED, 1 task\n',
      err: '',
    })
    expect(await penstock(['connectors', 'resume', 'lines'])).toMatchObject({ out: '✔ lines is RUNNING, 1 task\n' })
    stage.herder.failedTasks.set('lines-0', 'ConnectError: no such file')
    const restarted = await penstock(['connectors', 'restart', 'lines'])
    expect(restarted).toMatchObject({
      code: 1,
      out: expect.stringContaining('    task 0 failed: ConnectError: no such file'),
    })
    expect(await penstock(['connectors', 'stop', 'lines'])).toMatchObject({ out: '✔ lines is STOPPED, 0 tasks\n' })
    const resumed = await penstock(['connectors', 'resume', 'lines', '--wait', '0', '--json'])
    expect(JSON.parse(resumed.out)).toEqual([{ name: 'lines', status: null, done: null }])
  })

  it('says when a state is not reached in time', async () => {
    await created()
    stage.herder.pauseConnector = async () => undefined
    const result = await penstock(['connectors', 'pause', 'lines', '--wait', '1'])
    expect(result).toMatchObject({ code: 1, out: expect.stringContaining('✖ lines is still RUNNING, 1 task') })
  })

  it('asks before it deletes, and needs --yes where it cannot ask', async () => {
    await created()
    expect(await penstock(['connectors', 'delete', 'lines'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('--yes'),
    })
    const refused = await penstock(['connectors', 'delete', 'lines'], { columns: 80, replies: ['n'] })
    expect(refused).toEqual({ code: 2, out: '', err: 'Delete lines? [y/N] penstock: Nothing was changed.\n' })
    expect(await penstock(['connectors', 'delete', 'lines'], { columns: 80, replies: ['y'] })).toMatchObject({
      code: 0,
    })
    expect(await stage.herder.connectors()).toEqual([])
  })

  it('shows a connector with its secrets masked', async () => {
    const secret = {
      ...source,
      'value.converter.basic.auth.user.info': 'user:hidden',
    }
    await penstock(['connectors', 'create', '-'], { stdin: JSON.stringify({ name: 'lines', config: secret }) })
    const { out } = await penstock(['connectors', 'get', 'lines'])
    expect(out).toMatch(/^lines {2}source\n\nPART +STATE +WORKER +CAUSE\nconnector +RUNNING/)
    expect(out).toMatch(/user\.info +\*{8}\n/)
    expect(out).not.toContain('hidden')
    const saved = await penstock(['connectors', 'get', 'lines', '--config', '--json'])
    expect(JSON.parse(saved.out)).toEqual({ name: 'lines', config: { ...secret, name: 'lines' } })
  })

  it('has configs validated, option by option', async () => {
    const good = file('good.json', JSON.stringify({ name: 'lines', config: source }))
    expect(await penstock(['connectors', 'validate', good])).toMatchObject({
      code: 0,
      out: expect.stringContaining('✔ lines is valid'),
    })
    const result = await penstock(['connectors', 'validate', good, '--set', 'tasks.max=many', '--json'])
    expect(result.code).toBe(1)
    expect(JSON.parse(result.out)).toMatchObject([{ name: 'lines', valid: false, errors: [{ option: 'tasks.max' }] }])
  })
})
