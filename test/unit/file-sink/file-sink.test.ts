import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { ConnectError, primitive, struct } from 'penstock/api'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { plugin } from '../../../connectors/file-sink/index.ts'
import { parseConfig } from '../../../src/config/definition/parse-config.ts'
import { quietLogger } from '../../support/quiet-logger.ts'
import { SinkTaskHarness } from '../../support/task/sink-task-harness.ts'

let directory = ''
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'file-sink-'))
})
afterEach(async () => {
  await rm(directory, { recursive: true })
})

describe('FileStreamSink', () => {
  it('appends a line per record and commits the written records', async () => {
    const file = join(directory, 'out.txt')
    const sink = new SinkTaskHarness(plugin, { file })
    sink.log.append({ topic: 't', value: 'one' })
    sink.log.append({ topic: 't', value: [1], valueSchema: struct([['id', primitive('INT32')]]) })
    sink.log.append({ topic: 't', value: null })
    await sink.start()
    await sink.deliver()
    await sink.finish()
    expect(await readFile(file, 'utf8')).toBe('one\nStruct{id=1}\nnull\n')
    expect(sink.log.committed.get('t-0')).toBe(3)

    sink.log.append({ topic: 't', value: 'more' })
    const again = new SinkTaskHarness(plugin, { file }, sink.log)
    await again.start()
    await again.deliver()
    await again.finish()
    expect(await readFile(file, 'utf8')).toBe('one\nStruct{id=1}\nnull\nmore\n')
  })

  it('ends a line that was cut off before it appends', async () => {
    const file = join(directory, 'out.txt')
    await writeFile(file, 'one\ntw')
    const sink = new SinkTaskHarness(plugin, { file })
    sink.log.append({ topic: 't', value: 'two' })
    await sink.start()
    await sink.deliver()
    await sink.finish()
    expect(await readFile(file, 'utf8')).toBe('one\ntw\ntwo\n')
  })

  it.each([
    { what: 'is deleted', remove: async (file: string) => await rm(file) },
    {
      what: 'is replaced',
      remove: async (file: string) => {
        await writeFile(`${file}.new`, '')
        await rename(`${file}.new`, file)
      },
    },
  ])('commits nothing when its file $what, and writes it again after a restart', async ({ remove }) => {
    const file = join(directory, 'out.txt')
    const sink = new SinkTaskHarness(plugin, { file })
    sink.log.append({ topic: 't', value: 'one' })
    await sink.start()
    await sink.deliverAll()
    await remove(file)
    sink.log.append({ topic: 't', value: 'two' })
    await sink.deliver()
    await expect(sink.commit()).rejects.toThrow('FILE_SINK_DELETED')
    await sink.crash()
    expect(sink.log.committed.get('t-0')).toBe(1)

    const again = new SinkTaskHarness(plugin, { file }, sink.log)
    await again.start()
    await again.deliver()
    await again.finish()
    expect(await readFile(file, 'utf8')).toBe('two\n')
  })

  it('keeps writing to a file that was moved away, as a rotation of logs does it', async () => {
    const file = join(directory, 'out.txt')
    const sink = new SinkTaskHarness(plugin, { file })
    await sink.start()
    await rename(file, `${file}.1`)
    await appendFile(`${file}.1`, 'moved\n')
    sink.log.append({ topic: 't', value: 'one' })
    await sink.deliver()
    await sink.finish()
    expect(await readFile(`${file}.1`, 'utf8')).toBe('moved\none\n')
  })

  it('names a file that cannot be created', async () => {
    const sink = new SinkTaskHarness(plugin, { file: join(directory, 'no', 'out.txt') })
    await expect(sink.start()).rejects.toThrow(ConnectError)
    await expect(sink.start()).rejects.toThrow("Couldn't find or create file")
  })

  it('waits for a slow reader of a standard output that does not block', async () => {
    const program = `
      import { plugin } from ${JSON.stringify(new URL('../../../connectors/file-sink/index.ts', import.meta.url).href)}
      import { systemClock } from 'penstock/api'
      process.stdout.write('')
      const task = plugin.createTask()
      await task.start({ config: {}, clock: systemClock })
      const value = 'x'.repeat(1000)
      await task.put(Array.from({ length: 2000 }, () => ({ valueSchema: null, value })))
      await task.stop()`
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const ended = once(child, 'exit')
    let bytes = 0
    for await (const piece of child.stdout) bytes += (piece as Buffer).length
    expect(bytes).toBe(2000 * 1001)
    expect(await ended).toEqual([0, null])
  })

  it('writes to standard output when no file is named', async () => {
    const sink = new SinkTaskHarness(plugin, {})
    await sink.start()
    await sink.deliver()
    await sink.finish()
    expect(sink.log.committed.size).toBe(0)
  })

  it('gives every task the whole config', async () => {
    const connector = plugin.createConnector()
    await connector.start(
      parseConfig(plugin.configDef, { file: 'x' }),
      { file: 'x' },
      {
        connector: 'lines',
        logger: quietLogger(),
        requestTaskReconfiguration() {},
        raiseError() {},
      },
    )
    expect(await connector.taskConfigs(2)).toEqual([{ file: 'x' }, { file: 'x' }])
    await connector.stop()
  })
})
