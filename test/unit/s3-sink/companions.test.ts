import { primitive, struct, type ConnectValue, type Header, type RawConfig, type Schema } from 'penstock/api'
import { describe, expect, it } from 'vitest'

import { formats } from '../../../connectors/s3-sink/config/format-options.ts'
import { readContainer } from '../../support/s3/avro-objects.ts'
import { memoryS3Sinks } from '../../support/s3/memory-s3-sinks.ts'
import { parquetRows } from '../../support/parquet/parquet-file.ts'
import { KeptReports } from '../../support/task/kept-reports.ts'

const sinks = memoryS3Sinks()
const text = primitive('STRING')
const keys: RawConfig = { 'store.kafka.keys': 'true', 'keys.format.class': formats.json }
const headers: RawConfig = { 'store.kafka.headers': 'true', 'headers.format.class': formats.json }
const tombstones: RawConfig = { ...keys, 'behavior.on.null.values': 'write' }
const header = (key: string, value: ConnectValue, schema: Schema | null = null): Header => ({ key, schema, value })
const committed = (offset: number) => (): boolean => sinks.log.committed.get('t-0') === offset
const objects = (): Record<string, string> =>
  Object.fromEntries(
    [...sinks.store.objects].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([key, { body }]) => [key, body.toString()]),
  )

function append(...records: readonly (readonly [key: ConnectValue, value: ConnectValue])[]): void {
  for (const [key, value] of records) sinks.log.append({ topic: 't', key, value })
}

describe('keys and headers', () => {
  it('are in objects of their own beside that of values, in the same order, and say that they belong together', async () => {
    sinks.log.append({
      topic: 't',
      key: 'a',
      value: 1,
      headers: [header('h', 5n, primitive('INT64')), header('h', 'x')],
    })
    sinks.log.append({ topic: 't', key: { id: 2 }, value: 2 })
    const sink = await sinks.start({ ...keys, ...headers, 's3.compression.type': 'none', 'flush.size': '2' })
    await sink.runUntil('the objects', committed(2))
    expect(objects()).toEqual({
      't/partition=0/t+0+0000000000.headers.json':
        '{"headers":[{"key":"h","value":"5"},{"key":"h","value":"x"}]}\n{"headers":[]}\n',
      't/partition=0/t+0+0000000000.json': '1\n2\n',
      't/partition=0/t+0+0000000000.keys.json': '"a"\n{"id":2}\n',
    })
    const writers = [...sinks.store.objects.values()].map(({ metadata }) => metadata['x-amz-meta-penstock-writer'])
    expect(new Set(writers).size).toBe(1)
    expect(sink.counters.get('s3_objects_total')).toBe(3)
    expect(sink.counters.get('s3_records_total')).toBe(2)
  })

  it('are Avro by default, keys with their schema and headers as an array', async () => {
    const schema = struct([['id', primitive('INT64')]], { name: 'shop.Key' })
    sinks.log.append({ topic: 't', keySchema: schema, key: [7n], value: 1, headers: [header('h', 'x')] })
    const sink = await sinks.start({ 'store.kafka.keys': 'true', 'store.kafka.headers': 'true', 'flush.size': '1' })
    await sink.runUntil('the objects', committed(1))
    const read = async (infix: string) =>
      await readContainer(
        sinks.store.objects.get(`t/partition=0/t+0+0000000000.${infix}.avro`)?.body ?? Buffer.alloc(0),
      )
    expect(await read('keys')).toMatchObject({ schema: { name: 'Key', namespace: 'shop' }, records: [{ id: 7 }] })
    expect(await read('headers')).toMatchObject({ schema: { type: 'array' }, records: [[{ key: 'h', value: 'x' }]] })
  })

  it('are structs where the format has no other values', async () => {
    sinks.log.append({ topic: 't', keySchema: text, key: 'a', value: 1, headers: [header('h', 'x')] })
    const parquet = { 'keys.format.class': formats.parquet, 'headers.format.class': formats.parquet }
    const sink = await sinks.start({ ...keys, ...headers, ...parquet, 'flush.size': '1', 'parquet.codec': 'zstd' })
    await sink.runUntil('the objects', committed(1))
    const read = async (infix: string) =>
      await parquetRows(
        sinks.store.objects.get(`t/partition=0/t+0+0000000000.${infix}.zstd.parquet`)?.body ?? Buffer.alloc(0),
      )
    expect(await read('keys')).toEqual([['a']])
    expect(await read('headers')).toEqual([[[{ key: 'h', value: 'x' }]]])
  })

  it('are in the store before values are', async () => {
    append(['a', 1])
    const sink = await sinks.start({ ...keys, ...headers, 'flush.size': '1' })
    sinks.store.holds = (request) => request.startsWith('PUT') && request.includes('.keys.')
    await sink.runUntil('the headers', () => sinks.store.objects.size === 1)
    await sink.deliver()
    expect(Object.keys(objects())).toEqual(['t/partition=0/t+0+0000000000.headers.json'])
  })

  it('that a killed task left without values are replaced, however the next one cuts its objects', async () => {
    append(['a', 1], ['b', 2], ['c', 3])
    const first = await sinks.start({ ...keys, 'flush.size': '3' })
    sinks.store.holds = (request) => request.startsWith('PUT') && !request.includes('.keys.')
    await first.runUntil('the keys', () => sinks.store.objects.size === 1)
    await first.crash()
    sinks.store.holds = () => false
    const second = await sinks.start({ ...keys, 'flush.size': '2' })
    second.keeps = ({ offset }) => offset > 0
    await second.runUntil('the objects', committed(3))
    // The name is that of the keys that were left, although their first record is gone.
    expect(objects()).toEqual({
      't/partition=0/t+0+0000000000.json': '2\n3\n',
      't/partition=0/t+0+0000000000.keys.json': '"b"\n"c"\n',
    })
  })

  it('of another schema end the objects, as values do', async () => {
    for (const [keySchema, key] of [
      [text, 'a'],
      [primitive('STRING'), 'b'],
      [primitive('INT64'), 3n],
    ] as const)
      sinks.log.append({ topic: 't', keySchema, key, value: 0 })
    const sink = await sinks.start({ ...keys, 'flush.size': '3' })
    await sink.runUntil('the first objects', committed(2))
    expect(objects()['t/partition=0/t+0+0000000000.keys.json']).toBe('"a"\n"b"\n')
  })

  it.each(Object.entries(formats))(
    'hold nothing of a record whose value cannot be written, with keys as %s',
    async (_name, format) => {
      const keySchema = format === formats.bytes ? primitive('BYTES') : text
      const values = [Buffer.from('1'), 'no bytes', Buffer.from('2')]
      for (const [i, value] of values.entries()) {
        const key = `key ${i}`
        sinks.log.append({ topic: 't', keySchema, key: format === formats.bytes ? Buffer.from(key) : key, value })
      }
      const settings = { ...keys, 'format.class': formats.bytes, 'keys.format.class': format, 'parquet.codec': 'none' }
      const reports = new KeptReports()
      const sink = await sinks.start({ ...settings, 'flush.size': '2' }, undefined, reports)
      await sink.runUntil('the objects', committed(3))
      expect(objects()['t/partition=0/t+0+0000000000.bin']).toBe('1\n2\n')
      const [stored = Buffer.alloc(0)] = [...sinks.store.objects].flatMap(([key, { body }]) =>
        key.includes('.keys.') ? [body] : [],
      )
      expect(stored.toString()).toMatch(/key 0[^]*key 2/)
      expect(stored.toString()).not.toContain('key 1')
      if (format === formats.avro) expect((await readContainer(stored)).records).toEqual(['key 0', 'key 2'])
      if (format === formats.parquet) expect(await parquetRows(stored)).toEqual([['key 0'], ['key 2']])
      expect(reports.reports).toEqual([
        expect.stringMatching(/^t-0@1: .*the value is STRING|^t-0@1: .*the value is string/),
      ])
    },
  )

  it.each<[string, RawConfig, { readonly key?: string; readonly headers?: readonly Header[] }]>([
    ['no key', keys, {}],
    ['a header without a value', headers, { key: 'a', headers: [header('h', null)] }],
  ])('that cannot be stored make a record a dead letter: %s', async (what, settings, parts) => {
    sinks.log.append({ topic: 't', value: 1, ...parts })
    sinks.log.append({ topic: 't', value: 2, key: 'b' })
    const reports = new KeptReports()
    const sink = await sinks.start({ ...settings, 'flush.size': '1' }, undefined, reports)
    await sink.runUntil('the objects', committed(2))
    expect(objects()['t/partition=0/t+0+0000000001.json']).toBe('2\n')
    expect(reports.reports).toEqual([
      expect.stringContaining(what === 'no key' ? 'it has no key' : 'its header "h" has no value'),
    ])
  })
})

describe('behavior.on.null.values=write', () => {
  it('puts the keys of tombstones in a directory of their own, and counts them', async () => {
    append(['a', 1], ['a', null], ['b', 2], ['b', null])
    const sink = await sinks.start({ ...tombstones, 'tombstone.encoded.partition': 'deleted', 'flush.size': '4' })
    await sink.runUntil('the objects', committed(4))
    expect(objects()).toEqual({
      't/deleted/t+0+0000000001.keys.json': '"a"\n"b"\n',
      't/partition=0/t+0+0000000000.json': '1\n2\n',
      't/partition=0/t+0+0000000000.keys.json': '"a"\n"b"\n',
    })
  })

  it('has no part in directories by time, and needs no field of the value', async () => {
    const byHour: RawConfig = {
      'partitioner.class': 'io.confluent.connect.storage.partitioner.HourlyPartitioner',
      timezone: 'UTC',
      'timestamp.extractor': 'RecordField',
      'timestamp.field': 'at',
      'rotate.interval.ms': '86400000',
    }
    append(['a', { at: 0 }], ['a', null], ['b', { at: 1 }], ['b', { at: 3_600_000 }])
    const sink = await sinks.start({ ...tombstones, ...byHour, 'flush.size': '9' })
    await sink.runUntil('the objects of the first hour', committed(3))
    expect(Object.keys(objects())).toEqual([
      't/tombstone/t+0+0000000001.keys.json',
      't/year=1970/month=01/day=01/hour=00/t+0+0000000000.json',
      't/year=1970/month=01/day=01/hour=00/t+0+0000000000.keys.json',
    ])
  })

  it('takes a topic, and a directory of values, with the name of that of tombstones', async () => {
    const literal: RawConfig = {
      'partitioner.class': 'io.confluent.connect.storage.partitioner.TimeBasedPartitioner',
      'path.format': "'tombstone'",
      'partition.duration.ms': '1000',
      timezone: 'UTC',
      'timestamp.extractor': 'Record',
    }
    append(['a', 1], ['a', null])
    const sink = await sinks.start({ ...tombstones, ...literal, 'flush.size': '2' })
    await sink.runUntil('the objects', committed(2))
    expect(objects()).toEqual({
      't/tombstone/t+0+0000000000.json': '1\n',
      't/tombstone/t+0+0000000000.keys.json': '"a"\n',
      't/tombstone/t+0+0000000001.keys.json': '"a"\n',
    })
  })
})
