import { gzipSync } from 'node:zlib'

import { primitive, struct, type ConnectValue, type RawConfig, type Schema } from 'penstock/api'
import { describe, expect, it } from 'vitest'

import { partitioners } from '../../../connectors/s3-sink/config/partitioner-options.ts'
import { formats } from '../../../connectors/s3-source/config/config.ts'
import { containerOf } from '../../support/s3/avro-objects.ts'
import { memoryS3Archive, valuesOf } from '../../support/s3/memory-s3-archive.ts'

const archive = memoryS3Archive()
const row = struct([
  ['n', primitive('INT64')],
  ['third', primitive('STRING', { optional: true })],
])
const structOf = (n: number): ConnectValue => [n, n % 3 === 0 ? null : `d${n % 3}`]
const hour = 3_600_000

interface Kind {
  readonly schema: Schema | null
  readonly value: (n: number) => ConnectValue
  readonly settings: RawConfig
}

const kinds: Readonly<Record<string, Kind>> = {
  json: {
    schema: null,
    value: (n) => ({ n, text: `a "quoted" ${n}`, third: `d${n % 3}` }),
    settings: { 'format.class': formats.json },
  },
  avro: { schema: row, value: structOf, settings: { 'format.class': formats.avro } },
  bytes: { schema: null, value: (n) => Buffer.from(`value ${n}`), settings: { 'format.class': formats.bytes } },
}
const byField = { 'partitioner.class': partitioners.fields, 'partition.field.name': 'third' }
const byHour = { 'partitioner.class': partitioners.hour, timezone: 'UTC', 'timestamp.extractor': 'Record' }

/** Appends records to two partitions, and has a sink write all of them. */
async function written(count: number, { schema, value, settings }: Kind, more: RawConfig = {}): Promise<void> {
  for (let n = 0; n < count; n += 1)
    for (const partition of [0, 1])
      archive.log.append({
        topic: 'orders',
        partition,
        valueSchema: schema,
        value: value(n),
        timestamp: 1_700_000_000_000 + n * (hour / 4),
      })
  const sink = await archive.start({ ...settings, ...more })
  await sink.runUntil('all records', () =>
    [0, 1].every((partition) => archive.log.committed.get(`orders-${partition}`) === count),
  )
  await sink.crash()
}

describe('what the sink wrote is read back, each partition in its order', () => {
  it.each<[string, RawConfig]>([
    ['json', {}],
    ['json', { 's3.compression.type': 'gzip' }],
    ['avro', {}],
    ['avro', { 'avro.codec': 'deflate' }],
    ['avro', { 'avro.codec': 'snappy' }],
    ['avro', { 'avro.codec': 'zstandard' }],
    ['bytes', {}],
    ['bytes', { 's3.compression.type': 'gzip', 'format.bytearray.separator': '--' }],
    ['json', byHour],
    ['avro', { 'topics.dir': 'a/b', 'directory.delim': '/', 'file.delim': '-', 'filename.offset.zero.pad.width': '0' }],
    ['json', { 's3.schema.partition.affix.type': 'SUFFIX' }],
  ])('%s with %j', async (name, more) => {
    const kind = kinds[name] as Kind
    archive.store.pageSize = 3
    await written(12, kind, { 'flush.size': '4', ...more })
    const names = ['topics.dir', 'file.delim', 'format.bytearray.separator']
    const same = Object.fromEntries(names.flatMap((key) => (more[key] === undefined ? [] : [[key, more[key]]])))
    const source = await archive.read({ ...kind.settings, ...same, 'record.batch.max.size': '5' })
    const records = await source.waitForRecords(24)
    const expected = Array.from({ length: 12 }, (_, n) => kind.value(n))
    for (const partition of [0, 1]) expect(valuesOf(records, partition)).toEqual(expected)
    expect(new Set(records.map(({ topic }) => topic))).toEqual(new Set(['orders']))
    expect(records[0]?.valueSchema?.type).toBe(name === 'avro' ? 'STRUCT' : name === 'bytes' ? 'BYTES' : undefined)
  })

  it('of several directories, each in its order', async () => {
    const { json } = kinds
    await written(12, json as Kind, { 'flush.size': '6', ...byField })
    const source = await archive.read()
    const read = valuesOf(await source.waitForRecords(24), 1) as { readonly n: number; readonly third: string }[]
    const inDirectories = Map.groupBy(read, ({ third }) => third)
    const numbers = [...inDirectories.values()].map((values) => values.map(({ n }) => n))
    expect(numbers.toSorted(([a = 0], [b = 0]) => a - b)).toEqual([
      [0, 3, 6, 9],
      [1, 4, 7, 10],
      [2, 5, 8, 11],
    ])
  })
})

const keys = (text: string): Buffer => Buffer.from(text)
const objectKey = 'orders/partition=0/orders+0+0000000000'

it('continues behind the last record whose offset is stored, within an object and behind it', async () => {
  await written(10, kinds['json'] as Kind, { 'flush.size': '5' })
  const read: ConnectValue[] = []
  // Five objects' worth of records in each partition: lives end within objects, and at their ends.
  for (const count of [3, 2, 5, 7, 3]) {
    const source = await archive.read({ 'record.batch.max.size': '1' }, count)
    const records = await source.waitForRecords(count)
    read.push(...records.map(({ value }) => value))
    await source.stop()
  }
  const expected = [0, 1].flatMap(() => Array.from({ length: 10 }, (_, n) => n))
  expect((read as { readonly n: number }[]).map(({ n }) => n)).toEqual(expected)
})

it('reads objects that appear later, and the rest of one that the sink replaced by a longer one', async () => {
  archive.store.put(`${objectKey}.json`, keys('1\n2\n'))
  const source = await archive.read()
  await source.waitForRecords(2)
  archive.store.put(`${objectKey}.json`, keys('1\n2\n3\n'))
  archive.store.put('orders/partition=0/orders+0+0000000003.json', keys('4\n'))
  expect((await source.waitForRecords(4)).map(({ value }) => value)).toEqual([1, 2, 3, 4])
})

it.each(['+', '-'])(
  'reads the objects of dead letters that were delivered again, also behind later ones: %s',
  async (delimiter) => {
    const put = (name: string, text: string): void => {
      archive.store.put(`orders/partition=0/${['orders', '0', ...name.split(' ')].join(delimiter)}`, keys(text))
    }
    const settings = { 'file.delim': delimiter }
    put('0000000000.json', '0\n2\n')
    put('0000000005.json', '5\n')
    const [one, other] = ['0123456789abcdef', 'fedcba9876543210']
    put(`0000000003 replay-${one}.json`, '3\n')
    const source = await archive.read(settings, 4)
    expect((await source.waitForRecords(4)).map(({ value }) => value)).toEqual([0, 2, 3, 5])
    await source.stop()
    put(`0000000001 replay-${other}.json`, '1\n')
    put(`0000000001 replay-${other}.keys.json`, '"key"\n')
    put(`0000000001 replay-${one}x.json`, '9\n')
    const again = await archive.read(settings)
    await again.waitForRecords(1)
    put('0000000007.json', '7\n')
    const records = await again.waitForRecords(2)
    expect(records.map(({ key, value }) => [key, value])).toEqual([
      ['key', 1],
      [null, 7],
    ])
    expect(records[0]?.sourcePartition).toMatchObject({ replay: other })
  },
)

it('reads keys and headers beside the values, and tombstones, of which there are only keys', async () => {
  archive.store.put(`${objectKey}.json`, keys('1\n2\n'))
  const keySchema = { type: 'record', name: 'Key', fields: [{ name: 'id', type: 'int' }] }
  archive.store.put(`${objectKey}.keys.avro`, await containerOf(keySchema, [{ id: 7 }, { id: 8 }], 'null'))
  const lines = ['{"headers":[{"key":"a","value":"x"},{"key":"b","value":null}]}', '{"headers":[]}']
  archive.store.put(`${objectKey}.headers.json.gz`, gzipSync(`${lines.join('\n')}\n`))
  archive.store.put('orders/tombstone/orders+0+0000000002.keys.json', keys('{"id":7}\n'))
  const source = await archive.read()
  const records = await source.waitForRecords(3)
  expect(records.map(({ key }) => key)).toEqual([[7], [8], { id: 7 }])
  expect(records.map(({ value }) => value)).toEqual([1, 2, null])
  expect(records[0]?.headers.map(({ key, value }) => [key, value])).toEqual([
    ['a', 'x'],
    ['b', null],
  ])
})

describe('an object that cannot be read', () => {
  const ends: readonly (readonly [string, string, RawConfig, () => Buffer | Promise<Buffer>, RegExp])[] = [
    ['a line that is no JSON', '.json', {}, () => keys('1\n2\n{"n":\n4\n'), /line 3 is no JSON value/],
    [
      'gzip that is cut off',
      '.json.gz',
      {},
      () =>
        gzipSync(`${'1\n'.repeat(2)}${Array.from({ length: 5000 }, (_, i) => `${i * 7919}\n`).join('')}`).subarray(
          0,
          -900,
        ),
      /its compression is damaged/,
    ],
    [
      'an Avro file that is cut off',
      '.avro',
      { 'format.class': formats.avro },
      async () =>
        (
          await containerOf(
            'int',
            Array.from({ length: 40 }, (_, i) => i),
            'null',
          )
        ).subarray(0, -10),
      /cut off/,
    ],
  ]
  it.each(ends)('%s fails the task behind the records before it, and is named', async (_what, end, more, body, why) => {
    archive.store.put(objectKey + end, await body())
    const source = await archive.read({ ...more, 'record.batch.max.size': '2' })
    const error = await source.failure()
    expect(error.message).toMatch(why)
    expect(error.message).toContain(objectKey + end)
    if (end !== '.json.gz') expect(source.records.length).toBeGreaterThan(1)
  })

  it('is left out with behavior.on.error=ignore, which raises a condition, and the next one is read', async () => {
    archive.store.put(`${objectKey}.json`, keys('1\nno json\n3\n'))
    archive.store.put('orders/partition=0/orders+0+0000000009.json', keys('9\n'))
    const source = await archive.read({ 'behavior.on.error': 'ignore' })
    expect((await source.waitForRecords(2)).map(({ value }) => value)).toEqual([1, 9])
    expect(source.conditions.get('S3_OBJECT_SKIPPED')).toContain(`${objectKey}.json cannot be read: line 2`)
  })

  it('is one whose keys are fewer than its values', async () => {
    archive.store.put(`${objectKey}.json`, keys('1\n2\n'))
    archive.store.put(`${objectKey}.keys.json`, keys('1\n'))
    const source = await archive.read()
    expect((await source.failure()).message).toContain('another number of records')
  })
})

it('leaves out objects that topic.regex.list does not match, and reads the others into its topic', async () => {
  archive.store.put(`${objectKey}.json`, keys('1\n'))
  archive.store.put('clicks/partition=0/clicks+0+0000000000.json', keys('2\n'))
  archive.store.put('other/partition=0/other+0+0000000000.json', keys('3\n'))
  archive.store.put('other/partition=0/other+0+0000000000.txt', keys('4\n'))
  archive.store.put('notes.json', keys('5\n'))
  const source = await archive.read({ 'topic.regex.list': 'restored:orders/.*, other:other/.*' })
  const records = await source.waitForRecords(2)
  expect(records.map(({ topic, value }) => `${topic} ${String(value)}`).toSorted()).toEqual(['other 3', 'restored 1'])
})

it('reads each partition in one task, whatever their number is', async () => {
  for (let partition = 0; partition < 5; partition += 1)
    archive.store.put(`orders/partition=${partition}/orders+${partition}+0000000000.json`, keys(`${partition}\n`))
  const sources = await Promise.all(
    ['0/3', '1/3', '2/3'].map(async (share) => await archive.read({ 'task.share': share })),
  )
  const read = (): (number | null)[] => sources.flatMap(({ records }) => records.map(({ partition }) => partition))
  await sources[0]?.waitFor('all records', () => read().length >= 5)
  expect(new Set(read())).toEqual(new Set([0, 1, 2, 3, 4]))
  expect(read()).toHaveLength(5)
  for (const { count } of sources) expect(count).toBeGreaterThan(0)
})
