import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { ConnectError, primitive, struct } from 'penstock/api'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { plugin } from '../../../connectors/file-sink/index.ts'
import { parseConfig } from '../../../src/config/parse-config.ts'
import { quietLogger } from '../../support/quiet-logger.ts'
import { SinkTaskHarness } from '../../support/sink-task-harness.ts'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'file-sink-'))
})
afterEach(async () => {
  await rm(folder, { recursive: true })
})

describe('FileStreamSink', () => {
  it('appends a line per record and commits what was written', async () => {
    const file = join(folder, 'out.txt')
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

  it('says which file cannot be made', async () => {
    const sink = new SinkTaskHarness(plugin, { file: join(folder, 'no', 'out.txt') })
    await expect(sink.start()).rejects.toThrow(ConnectError)
    await expect(sink.start()).rejects.toThrow("Couldn't find or create file")
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
