import { spawn } from 'node:child_process'
import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import {
  ConnectError,
  systemClock,
  type RawConfig,
  type SourceOffset,
  type SourceRecord,
  type SourceTask,
  type SourceTaskContext,
} from 'penstock/api'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { plugin } from '../../../connectors/file-source/index.ts'
import { LineSplitter } from '../../../connectors/file-source/line-splitter.ts'
import { parseConfig } from '../../../src/config/definition/parse-config.ts'
import { quietLogger } from '../../support/quiet-logger.ts'

function contextOf(raw: RawConfig, offset: SourceOffset | null): SourceTaskContext {
  const instrument = { add() {}, set() {}, remove() {}, observe() {} }
  return {
    connector: 'lines',
    task: 0,
    config: parseConfig(plugin.configDef, raw),
    raw,
    logger: quietLogger(),
    clock: systemClock,
    metrics: { counter: () => instrument, gauge: () => instrument, histogram: () => instrument },
    setCondition: () => {},
    readOffsets: async (partitions) => partitions.map(() => offset),
    greatestHeader: async () => null,
  }
}

let directory = ''
let tasks: SourceTask[] = []
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'file-source-'))
})
afterEach(async () => {
  for (const task of tasks) await task.stop()
  tasks = []
  await rm(directory, { recursive: true })
})

async function started(raw: RawConfig, offset: SourceOffset | null = null): Promise<SourceTask> {
  const task = plugin.createTask()
  if (!('poll' in task)) throw new TypeError('no source task')
  tasks.push(task)
  await task.start(contextOf(raw, offset))
  return task
}

async function polled(task: SourceTask, count: number): Promise<SourceRecord[]> {
  const records: SourceRecord[] = []
  const signal = AbortSignal.timeout(60_000)
  while (records.length < count) {
    const some = await task.poll(signal)
    if (some === null) break
    records.push(...some)
  }
  return records
}

describe('FileStreamSource', () => {
  it('reads whole lines, each with the offset behind it', async () => {
    const file = join(directory, 'in.txt')
    await writeFile(file, 'eins\nzwölf\r\n\nrest')
    const task = await started({ file, topic: 't' })
    const records = await polled(task, 3)
    expect(records.map(({ value, sourceOffset }) => [value, sourceOffset])).toEqual([
      ['eins', { position: 5 }],
      ['zwölf', { position: 13 }],
      ['', { position: 14 }],
    ])
    expect(records[0]).toMatchObject({ topic: 't', key: null, keySchema: null, sourcePartition: { filename: file } })
    await appendFile(file, ' of it\n')
    expect((await polled(task, 1)).map(({ value }) => value)).toEqual(['rest of it'])
  })

  it('resumes at the stored offset, in batches of the configured size', async () => {
    const file = join(directory, 'in.txt')
    await writeFile(file, 'one\ntwo\nthree\nfour\n')
    const task = await started({ file, topic: 't', 'batch.size': '2' }, { position: 4 })
    const first = await task.poll(AbortSignal.timeout(60_000))
    expect(first?.map(({ value }) => value)).toEqual(['two', 'three'])
    expect((await task.poll(AbortSignal.timeout(60_000)))?.map(({ value }) => value)).toEqual(['four'])
  })

  it('waits for a file that is not there yet, and ends a wait when told to', async () => {
    const file = join(directory, 'later.txt')
    const task = await started({ file, topic: 't' })
    expect(await task.poll(AbortSignal.timeout(20))).toBeNull()
    await writeFile(file, 'x\n')
    expect((await polled(task, 1)).map(({ value }) => value)).toEqual(['x'])
  })

  it('rejects an invalid stored offset', async () => {
    await expect(started({ file: 'x', topic: 't' }, { position: 'x' })).rejects.toThrow(ConnectError)
  })

  it('gives its whole config to one task', async () => {
    const connector = plugin.createConnector()
    const raw = { file: 'x', topic: 't' }
    await connector.start(parseConfig(plugin.configDef, raw), raw, {
      connector: 'lines',
      logger: quietLogger(),
      requestTaskReconfiguration() {},
      raiseError() {},
    })
    expect(await connector.taskConfigs(3)).toEqual([raw])
    await connector.stop()
  })

  it('reads the standard input of the process when no file is named', async () => {
    const script = `
      import { systemClock } from 'penstock/api'
      import { plugin } from ${JSON.stringify(new URL('../../../connectors/file-source/index.ts', import.meta.url).href)}
      const task = plugin.createTask()
      await task.start({ config: { file: null, topic: 't', 'batch.size': 10 }, clock: systemClock, logger: {} })
      const [record] = await task.poll(new AbortController().signal)
      console.log(JSON.stringify([record.value, record.sourcePartition, record.sourceOffset]))
      await task.stop()`
    const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], { cwd: process.cwd() })
    child.stdin.end('from a pipe\n')
    let out = ''
    let err = ''
    child.stdout.on('data', (bytes: Buffer) => (out += bytes.toString()))
    child.stderr.on('data', (bytes: Buffer) => (err += bytes.toString()))
    const code = await new Promise((resolve) => child.once('close', resolve))
    expect([out.trim(), code, err]).toEqual(['["from a pipe",{"filename":null},{"position":null}]', 0, ''])
  })
})

describe('a line splitter', () => {
  it('waits for the second half of a line end', () => {
    const lines = new LineSplitter()
    lines.push(Buffer.from('a\r'))
    expect(lines.next()).toBeNull()
    lines.push(Buffer.from('\nb\rc\n'))
    expect([lines.next(), lines.next(), lines.next(), lines.next()]).toEqual([
      { text: 'a', bytes: 3 },
      { text: 'b', bytes: 2 },
      { text: 'c', bytes: 2 },
      null,
    ])
  })

  it('fails for a line that is too long (I10)', () => {
    const lines = new LineSplitter()
    const piece = Buffer.alloc(40 * 1024 * 1024, 'x')
    lines.push(piece)
    expect(() => lines.push(piece)).toThrow('FILE_LINE_TOO_LONG')
  })
})
