import { gunzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib'

import { primitive, struct, systemClock, type ConnectValue, type RawConfig, type Schema } from 'penstock/api'
import { describe, expect, it } from 'vitest'

import { formats } from '../../../connectors/s3-sink/config/format-options.ts'
import { containerOf, readContainer } from '../../support/s3/avro-objects.ts'
import { memoryS3Sinks } from '../../support/s3/memory-s3-sinks.ts'
import { KeptReports } from '../../support/task/kept-reports.ts'
import type { SinkTaskHarness } from '../../support/task/sink-task-harness.ts'

const sinks = memoryS3Sinks()
const avro = { 'format.class': formats.avro }
const bytes = { 'format.class': formats.bytes }
const row = (type: 'INT32' | 'INT64'): Schema => struct([['n', primitive(type)]], { name: 'test.Row' })

function append(...records: readonly (readonly [Schema | null, ConnectValue])[]): void {
  for (const [valueSchema, value] of records) sinks.log.append({ topic: 't', valueSchema, value })
}
const committed = (offset: number) => (): boolean => sinks.log.committed.get('t-0') === offset
/** The names of the objects, without what they have in common, and their numbers. */
async function avroObjects(): Promise<Record<string, unknown[]>> {
  const objects: Record<string, unknown[]> = {}
  for (const [key, { body }] of sinks.store.objects) {
    const { records } = await readContainer(body)
    objects[key.replace('t/partition=0/t+0+00000', '')] = records.map((record) => (record as { n: number }).n)
  }
  return objects
}

it.each<[RawConfig, string, string]>([
  [{}, '.json', 'application/x-ndjson'],
  [{ 's3.compression.type': 'gzip' }, '.json.gz', 'application/gzip'],
  [{ 's3.compression.type': 'zstd', 's3.compression.level': '9' }, '.json.zst', 'application/zstd'],
  [{ ...avro, 'avro.codec': 'deflate' }, '.avro', 'application/avro'],
  [bytes, '.bin', 'application/octet-stream'],
  [{ ...bytes, 'format.bytearray.extension': '.jpg', 's3.compression.type': 'gzip' }, '.jpg.gz', 'application/gzip'],
])('with %j, objects end in %s and have the type %s', async (settings, extension, type) => {
  append([null, Buffer.from('one')], [null, Buffer.from('two')])
  const sink = await sinks.start({ ...settings, 'flush.size': '2' })
  await sink.runUntil('the object', committed(2))
  const objects = [...sinks.store.objects].map(([key, object]) => [key, object.type])
  expect(objects).toEqual([[`t/partition=0/t+0+0000000000${extension}`, type]])
  const [object] = sinks.store.objects.values()
  if (extension === '.json.zst') expect(zstdDecompressSync(object?.body ?? '').length).toBeGreaterThan(0)
  if (extension === '.jpg.gz') expect(gunzipSync(object?.body ?? '').toString()).toBe('one\ntwo\n')
})

describe('Avro objects', () => {
  it('hold the records of one schema each, also after a crash that left one, whose bytes are others', async () => {
    const [narrow, wide] = [row('INT32'), row('INT64')]
    append([narrow, [0]], [row('INT32'), [1]], [wide, [2]], [wide, [3]], [narrow, [4]], [null, 'end'])
    const first = await sinks.start(avro)
    first.commitEvery = Number.POSITIVE_INFINITY
    await first.runUntil('an object', () => sinks.store.objects.size > 0)
    await first.crash()
    const [left] = [...sinks.store.objects.values()]

    const second = await sinks.start(avro)
    await second.runUntil('all objects that are complete', committed(5))
    expect(await avroObjects()).toEqual({ '00000.avro': [0, 1], '00002.avro': [2, 3], '00004.avro': [4] })
    expect([...sinks.store.objects.values()][0]?.body.equals(left?.body ?? Buffer.alloc(0))).toBe(false)
  })

  it('hold nothing of records that Avro cannot express, which are dead letters', async () => {
    const good = row('INT32')
    const unnamed = struct([['a b', primitive('INT32')]])
    append([good, [0]], [unnamed, [1]], [good, [2]], [good, ['three']], [good, [4]])
    const kept = new KeptReports()
    const sink = await sinks.start({ ...avro, 'flush.size': '3', 'avro.codec': 'zstandard' }, systemClock, kept)
    await sink.runUntil('the object', committed(5))
    expect(await avroObjects()).toEqual({ '00000.avro': [0, 2, 4] })
    expect(kept.reports).toEqual([
      expect.stringMatching(/^t-0@1: .*"a b" has no name that Avro allows/),
      expect.stringMatching(/^t-0@3: .*Invalid type for INT32: "n": string/),
    ])
  })
})

describe('another format than before', () => {
  const fiveRows = [0, 1, 2, 3, 4].map((n): readonly [Schema, ConnectValue] => [row('INT32'), [n]])

  it('continues behind the objects that are there', async () => {
    append(...fiveRows)
    const json = await sinks.start({ 'flush.size': '2' })
    await json.runUntil('two objects', committed(4))
    await json.finish()
    await (await sinks.start({ ...avro, 'flush.size': '1' })).runUntil('the last record', committed(5))
    expect([...sinks.store.objects.keys()].map((key) => key.slice(-10))).toEqual([
      '00000.json',
      '00002.json',
      '00004.avro',
    ])
  })

  it('leaves the one object of a process that was killed before it committed, and writes its records again', async () => {
    append(...fiveRows)
    const json = await sinks.start({ 'flush.size': '2' })
    json.commitEvery = Number.POSITIVE_INFINITY
    await json.runUntil('an object', () => sinks.store.objects.size > 0)
    await json.crash()

    await (await sinks.start({ ...avro, 'flush.size': '3' })).runUntil('the first three', committed(3))
    const json0 = 't/partition=0/t+0+0000000000.json'
    expect(sinks.store.objects.get(json0)?.body.toString()).toBe('{"n":0}\n{"n":1}\n')
    sinks.store.objects.delete(json0)
    expect(await avroObjects()).toEqual({ '00000.avro': [0, 1, 2] })
  })
})

describe('an object of another program', () => {
  it('is replaced if the new one begins with its lines, packed with Zstandard', async () => {
    const key = 't/partition=0/t+0+0000000000.json.zst'
    const other = { body: zstdCompressSync('"one"\n'), tag: '"0"', type: null, metadata: {} }
    sinks.store.objects.set(key, other)
    append([null, 'one'], [null, 'two'])
    const sink = await sinks.start({ 's3.compression.type': 'zstd', 'flush.size': '2' })
    await sink.runUntil('the object', committed(2))
    expect(zstdDecompressSync(sinks.store.objects.get(key)?.body ?? '').toString()).toBe('"one"\n"two"\n')
  })

  it('is replaced if the new one begins with its bytes, whatever the extension looks like', async () => {
    const key = 't/partition=0/t+0+0000000000.gz'
    const other = { body: Buffer.from('one\n'), tag: '"0"', type: null, metadata: {} }
    sinks.store.objects.set(key, other)
    append([null, Buffer.from('one')], [null, Buffer.from('two')])
    const sink = await sinks.start({ ...bytes, 'format.bytearray.extension': '.gz', 'flush.size': '2' })
    await sink.runUntil('the object', committed(2))
    expect(sinks.store.objects.get(key)?.body.toString()).toBe('one\ntwo\n')
  })

  const schema = {
    type: 'record',
    name: 'Row',
    namespace: 'test',
    fields: [{ name: 'n', type: 'int' }],
    'connect.name': 'test.Row',
  }
  const records = (...numbers: readonly number[]): unknown[] => numbers.map((n) => ({ n }))
  const avroKey = 't/partition=0/t+0+0000000000.avro'

  /** Starts a sink that writes three rows where there is an object already. */
  async function besides(body: Buffer, codec: string): Promise<SinkTaskHarness> {
    sinks.store.objects.set(avroKey, { body, tag: '"0"', type: null, metadata: {} })
    append(...[0, 1, 2].map((n): readonly [Schema, ConnectValue] => [row('INT32'), [n]]))
    return await sinks.start({ ...avro, 'flush.size': '3', 'avro.codec': codec })
  }

  it.each([
    ['null', 'deflate'],
    ['deflate', 'deflate'],
    ['null', 'snappy'],
    ['deflate', 'zstandard'],
  ])('with the first records of the same schema is replaced: codec %s by %s', async (theirs, ours) => {
    const sink = await besides(await containerOf(schema, records(0, 1), theirs), ours)
    await sink.runUntil('the object', committed(3))
    expect(await avroObjects()).toEqual({ '00000.avro': [0, 1, 2] })
  })

  it.each<[string, unknown, readonly number[]]>([
    ['another record', schema, [0, 7]],
    ['more records', schema, [0, 1, 2, 3]],
    ['another schema', { ...schema, 'connect.version': 1 }, [0, 1]],
  ])('with %s is not', async (_title, theirs, numbers) => {
    const body = await containerOf(theirs, records(...numbers), 'deflate')
    const sink = await besides(body, 'null')
    await expect(sink.runUntil('an object', committed(3))).rejects.toThrow('S3_UNKNOWN_OBJECT')
    expect(sinks.store.objects.get(avroKey)?.body).toBe(body)
  })

  it.each([
    ['no container file', Buffer.from('one\n')],
    ['a beginning of one', Buffer.from('Obj\u0001')],
    ['nothing', Buffer.alloc(0)],
  ])('that is %s is not', async (_title, body) => {
    const sink = await besides(body, 'null')
    await expect(sink.runUntil('an object', committed(3))).rejects.toThrow('S3_UNKNOWN_OBJECT')
  })
})

describe('records without a value', () => {
  const append3 = (): void => append([null, 1], [null, null], [null, 3])
  const tolerant = { 'flush.size': '2', 'errors.tolerance': 'all', 'behavior.on.null.values': 'ignore' }

  it('are dead letters, in no object', async () => {
    append3()
    const kept = new KeptReports()
    const sink = await sinks.start(tolerant, systemClock, kept)
    await sink.runUntil('the object', committed(3))
    expect(kept.reports).toEqual(['t-0@1: Skipping null value record.'])
    expect([...sinks.store.objects.values()].map(({ body }) => body.toString())).toEqual(['1\n3\n'])
  })

  it('are skipped without a dead letter where the config does not choose to ignore them', async () => {
    append3()
    const kept = new KeptReports()
    const sink = await sinks.start({ 'flush.size': '2', 'errors.tolerance': 'all' }, systemClock, kept)
    await sink.runUntil('the object', committed(3))
    expect(kept.reports).toEqual([])
  })

  it.each<[string, RawConfig]>([
    ['report.null.values.to.dlq=false', { 'report.null.values.to.dlq': 'false' }],
    ['errors.tolerance=none, as a report would fail the task', { 'errors.tolerance': 'none' }],
    ['parked keys, as later records would be parked behind them', { 'errors.deadletterqueue.park.keys': 'true' }],
  ])('are skipped without a dead letter with %s', async (_title, settings) => {
    append3()
    const kept = new KeptReports()
    const sink = await sinks.start({ ...tolerant, ...settings }, systemClock, kept)
    await sink.runUntil('the object', committed(3))
    expect(kept.reports).toEqual([])
  })
})
