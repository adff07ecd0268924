import {
  arrayOf,
  Logical,
  mapOf,
  primitive,
  struct,
  type ConnectValue,
  type RawConfig,
  type Schema,
} from 'penstock/api'
import { describe, expect, it } from 'vitest'

import { memoryS3Sinks } from '../../../support/s3/memory-s3-sinks.ts'
import { KeptReports } from '../../../support/task/kept-reports.ts'

const sinks = memoryS3Sinks()
const partitioner = (name: string): string => `io.confluent.connect.storage.partitioner.${name}`
const byField = (...fields: string[]): RawConfig => ({
  'partitioner.class': partitioner('FieldPartitioner'),
  'partition.field.name': fields.join(),
})
const hourly = { 'partitioner.class': partitioner('HourlyPartitioner'), timezone: 'UTC', locale: 'en-US' }
const byRecord = { ...hourly, 'timestamp.extractor': 'Record' }
const byTimeOf = (name: string): RawConfig => ({
  ...hourly,
  'timestamp.extractor': 'RecordField',
  'timestamp.field': name,
})

interface Given {
  readonly value: ConnectValue
  readonly schema?: Schema | null
  readonly timestamp?: number
}

/** The directories of records, each in a set of its own, and the messages of those that have none. */
async function directoriesOf(settings: RawConfig, records: readonly Given[]): Promise<readonly string[]> {
  const reports = new KeptReports()
  for (const { value, schema, timestamp } of records)
    sinks.log.append({
      topic: 't',
      value,
      valueSchema: schema ?? null,
      ...(timestamp === undefined ? {} : { timestamp }),
    })
  const sink = await sinks.start({ 'flush.size': '1', ...settings }, undefined, reports)
  await sink.runUntil('all are written', () => sinks.store.objects.size + reports.reports.length === records.length)
  const messages = reports.reports.map((text) => [Number(/^t-0@(\d+)/.exec(text)?.[1]), text] as const)
  const keys = [...sinks.store.objects.keys()].map((key) => {
    const [, directory, offset] = /^t\/(.*)\/t\+0\+(\d{10})\.json$/.exec(key) ?? []
    return [Number(offset), directory ?? key] as const
  })
  return [...keys, ...messages].toSorted(([a], [b]) => a - b).map(([, found]) => found)
}

describe('FieldPartitioner', () => {
  const address = struct([['city', primitive('STRING', { optional: true })]], { optional: true })
  const order = struct([
    ['id', primitive('INT64')],
    ['country', primitive('STRING', { optional: true })],
    ['paid', primitive('BOOLEAN')],
    ['address', address],
    ['with.dot', primitive('INT8')],
    ['price', primitive('FLOAT64')],
    ['tags', arrayOf(primitive('STRING'))],
  ])
  const row = (country: string | null, city: ConnectValue): Given => ({
    schema: order,
    value: [9_007_199_254_740_993n, country, true, city, 5, 1.5, []],
  })

  it('names directories by integers, strings and booleans, also of nested structs', async () => {
    const fields = byField('country', 'id', 'paid', 'address.city', 'with.dot')
    expect(await directoriesOf(fields, [row('ch', ['Zürich']), row(null, null), row('a/b=c', [null])])).toEqual([
      'country=ch/id=9007199254740993/paid=true/address.city=Zürich/with.dot=5',
      'country=null/id=9007199254740993/paid=true/address.city=null/with.dot=5',
      'country=a/b=c/id=9007199254740993/paid=true/address.city=null/with.dot=5',
    ])
  })

  it('reads maps without a schema', async () => {
    const records = [
      { a: 1, b: { c: 'x' } },
      { a: 1.5, b: { c: 'x' } },
      { b: { c: 'x' } },
      { a: 2, b: null },
      { a: [1] },
    ]
    expect(
      await directoriesOf(
        byField('a', 'b.c'),
        records.map((value) => ({ value })),
      ),
    ).toEqual([
      'a=1/b.c=x',
      expect.stringContaining('the field "a" of partition.field.name is of another type'),
      expect.stringContaining('the value has no field "a" of partition.field.name'),
      'a=2/b.c=null',
      expect.stringContaining('the field "a" of partition.field.name is of another type'),
    ])
  })

  it.each(['price', 'tags', 'address', 'missing', 'address.street', 'constructor', '__proto__', 'address.city.x'])(
    'hands records on to the dead letter queue for the field %s',
    async (name) => {
      expect(await directoriesOf(byField(name), [row('ch', ['Zürich'])])).toEqual([
        expect.stringMatching(
          /cannot be written: S3_PARTITION_FIELD: (?:the value has no field|the field) ".*" of partition.field.name/,
        ),
      ])
    },
  )

  it.each([
    ['..', 'it has an empty part'],
    ['a/../b', 'it has an empty part'],
    ['a//b', 'it has an empty part'],
    ['line\nfeed', 'characters'],
    ['\ud800', 'characters'],
    ['\ufffe', 'characters'],
    ['é'.repeat(600), 'bytes, and stores allow 1024'],
    ['é'.repeat(128), 'a part of it has 256 bytes'],
  ])('hands records on whose directory no store takes: %j', async (name, why) => {
    const schema = struct([[name, primitive('INT8')]])
    const own = byField('d')
    expect(
      await directoriesOf(own, [
        { schema: struct([['d', primitive('STRING')]]), value: [`x/${name}/y`] },
        { schema, value: [1] },
        { schema: struct([['d', primitive('STRING')]]), value: ['fine'] },
      ]),
    ).toEqual([expect.stringContaining(why), expect.stringContaining('has no field "d"'), 'd=fine'])
  })
})

describe('partitioners by time', () => {
  const at = Date.UTC(2023, 10, 14, 22, 13, 20)

  it.each<[string, RawConfig, string]>([
    ['hour', byRecord, 'year=2023/month=11/day=14/hour=22'],
    ['hour in a zone', { ...byRecord, timezone: 'America/New_York' }, 'year=2023/month=11/day=14/hour=17'],
    ['day', { ...byRecord, 'partitioner.class': partitioner('DailyPartitioner') }, 'year=2023/month=11/day=14'],
    [
      'other delimiter',
      { ...byRecord, 'directory.delim': '_' },
      't_year=2023_month=11_day=14_hour=22_t+0+0000000000.json',
    ],
    [
      'own pattern',
      {
        ...byRecord,
        'partitioner.class': partitioner('TimeBasedPartitioner'),
        'path.format': "'dt'=yyyy-MM-dd/HHmm/",
        'partition.duration.ms': '900000',
      },
      'dt=2023-11-14/2200',
    ],
    [
      'prefix',
      { ...byRecord, 's3.schema.partition.affix.type': 'PREFIX' },
      'schema_name=null/year=2023/month=11/day=14/hour=22',
    ],
  ])('by %s', async (_name, settings, directory) => {
    expect(await directoriesOf(settings, [{ value: 1, timestamp: at }])).toEqual([directory])
  })

  it('take a record without a timestamp for one that cannot be written', async () => {
    expect(await directoriesOf(byRecord, [{ value: 1, timestamp: -1 }])).toEqual([
      expect.stringContaining('the record has no timestamp, and timestamp.extractor is Record'),
    ])
  })

  const ofType = (schema: Schema, value: ConnectValue): Given => ({ schema: struct([['at', schema]]), value: [value] })
  const text = primitive('STRING', { optional: true })

  it.each<[string, Given]>([
    ['ms', ofType(primitive('INT64'), at)],
    ['a Timestamp', ofType(primitive('INT64', { name: Logical.timestamp }), at)],
    ['a MicroTimestamp', ofType(primitive('INT64', { name: 'io.debezium.time.MicroTimestamp' }), at * 1000 + 999)],
    [
      'a NanoTimestamp',
      ofType(primitive('INT64', { name: 'io.debezium.time.NanoTimestamp' }), BigInt(at) * 1_000_000n),
    ],
    ['digits', ofType(text, String(at))],
    ['ISO 8601', ofType(text, '2023-11-14T22:13:20Z')],
    ['ISO 8601 with a zone', ofType(text, '2023-11-15T00:13:20.123456+02:00')],
    ['ISO 8601 without a zone', ofType(text, '2023-11-14T22:13')],
    ['a member of a map', { value: { at: String(at) } }],
  ])('find %s in a field', async (_name, given) => {
    expect(await directoriesOf(byTimeOf('at'), [given])).toEqual(['year=2023/month=11/day=14/hour=22'])
  })

  it.each<[string, Given, string]>([
    ['a Date of Connect', ofType(primitive('INT32', { name: Logical.date }), 19_675), 'hour=00'],
    ['a Date of Debezium', ofType(primitive('INT32', { name: 'io.debezium.time.Date' }), 19_675), 'hour=00'],
    ['a date', ofType(text, '2023-11-14'), 'hour=00'],
  ])('find %s in a field', async (_name, given, hour) => {
    expect(await directoriesOf(byTimeOf('at'), [given])).toEqual([`year=2023/month=11/day=14/${hour}`])
  })

  it.each<[string, Given, string]>([
    ['null', ofType(text, null), 'it is null'],
    ['a word', ofType(text, 'yesterday'), '"yesterday" is no time'],
    ['a day that does not exist', ofType(text, '2023-02-30'), '"2023-02-30" is no time'],
    ['a double', ofType(primitive('FLOAT64'), 1.5), '"1.5" is no time'],
    ['a number past all dates', ofType(primitive('INT64'), 9_223_372_036_854_775_807n), 'is no time'],
    ['a map', ofType(mapOf(text, text), new Map()), 'MAP is no time'],
    ['no such field', { schema: struct([['b', text]]), value: ['x'] }, 'the value has no such field'],
  ])('hand records on to the dead letter queue where the field has %s', async (_name, given, why) => {
    expect(await directoriesOf(byTimeOf('at'), [given])).toEqual([
      expect.stringMatching(new RegExp(`the field "at" of timestamp.field has no time: .*${why}`)),
    ])
  })
})
