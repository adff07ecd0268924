import { optional, struct, types, withDefault } from '../cases/samples.ts'
import type { CaseJson, SchemaJson, ValueJson } from '../oracle-json.ts'
import { changeOf, debeziumCase, envelopeOf, onEvents, recordWith, source, sourceValue } from './events.ts'

type Config = Readonly<Record<string, string>>

const name = 'TimezoneConverter'
const logical = (type: 'INT64' | 'STRING' | 'INT32', schema: string): SchemaJson =>
  optional({ type, name: `io.debezium.time.${schema}`, version: 1 })

const columns: readonly (readonly [string, SchemaJson, ValueJson])[] = [
  ['id', types.int32, 1],
  ['ms', logical('INT64', 'Timestamp'), 1704103445678],
  ['us', logical('INT64', 'MicroTimestamp'), 1704103445678901],
  ['ns', logical('INT64', 'NanoTimestamp'), '1704103445678901234'],
  ['connect', optional(types.timestamp), 1704103445678],
  ['tz', logical('STRING', 'ZonedTimestamp'), '2024-01-01T10:04:05.678901Z'],
  ['day', logical('INT32', 'Date'), 19723],
  ['text', optional(types.string), '2024-01-01T10:04:05Z'],
  ['__proto__', logical('INT64', 'Timestamp'), 0],
  ['none', logical('STRING', 'ZonedTimestamp'), null],
  ['later', withDefault(logical('INT64', 'Timestamp'), 5), null],
]

const table: SchemaJson = struct(
  columns.map(([column, schema]) => [column, schema]),
  { name: 's.public.orders.Value', optional: true },
)
const row: ValueJson = columns.map(([, , value]) => value)
const update = recordWith(changeOf('u', row, row, { table }))

const zones = ['Asia/Kolkata', 'America/New_York', '+08:00', '-03:30', 'UTC', 'Z', '+05:30:15', 'Europe/Berlin']

const one = (type: SchemaJson, value: ValueJson, zone: string): CaseJson =>
  debeziumCase(
    name,
    `${type.name} ${JSON.stringify(value)} in ${zone}`,
    { 'converted.timezone': zone },
    recordWith(changeOf('c', null, [value], { table: optional(struct([['c', type]], { name: 't.Value' })) })),
  )

/** Around the hours in which Berlin and New York change their clocks, and far away. */
const seconds = [
  0, -1, 1, 1711846799, 1711846800, 1711850399, 1711850400, 1711854000, 1729987199, 1729990800, 1729994399, 1729994400,
  1729998000, 1710036000, 1710043200, 1730592000, 1730595600, 1730599200, 1730602800, -1262304000, 4102444800,
  32503680000, 253402300800,
]

const numbers = seconds.flatMap((second) =>
  ['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe'].flatMap((zone) => [
    one(logical('INT64', 'Timestamp'), second * 1000 + 7, zone),
    one(logical('INT64', 'MicroTimestamp'), second * 1_000_000 - 1, zone),
  ]),
)

const texts = [
  '2024-03-31T01:59:59Z',
  '2024-03-31T02:30:00Z',
  '2024-03-31T02:30:00+02:00',
  '2024-10-27T02:30:00.5Z',
  '2024-10-27T01:00:00.123456789-05:00',
  '1970-01-01T00:00:00Z',
  '0001-01-01T00:00:00Z',
  '-0043-03-15T12:00:00Z',
  '9999-12-31T23:59:59.999999Z',
  '+10000-01-01T00:00:00Z',
  '+294276-12-31T23:59:59.999999Z',
  '2024-02-29t10:00z',
  '2024-01-01T10:00:00-05',
  '2024-01-01T10:00:00+0530',
  '2024-01-01T10:00:00.+05:30:15',
  '10000-01-01T00:00:00Z',
  '+2024-01-01T00:00:00Z',
  '2023-02-29T10:00:00Z',
  '2024-01-01T24:00:00Z',
  '2024-01-01T10:00:00',
  'infinity',
  '',
]

const zoned = texts.flatMap((text) =>
  ['Europe/Berlin', '-03:30', 'UTC'].map((zone) => one(logical('STRING', 'ZonedTimestamp'), text, zone)),
)

/** In zones whose offset does not depend on the time of the test. */
const times = ['10:00:00Z', '23:30:00.5+01:00', '00:15Z', '10:00', '25:00:00Z', '01:00:00.000001-05'].flatMap((text) =>
  ['Asia/Kolkata', '-03:30', 'UTC'].map((zone) => one(logical('STRING', 'ZonedTime'), text, zone)),
)

const rules = [
  'source:orders',
  'source:orders:ms',
  'source:other:ms',
  'topic:s.public.orders',
  'topic:s.public.orders:us',
  'topic:other',
  'orders:tz',
  's.public.orders:tz',
  'orders:before.ms',
  'orders:after.__proto__',
  'source:orders:ms, orders:us',
  'source:other:ms,orders:us',
  'source:orders:source.ts_ms',
  'orders:day',
]

const lists = rules.flatMap((rule) =>
  (['include.list', 'exclude.list'] as const).map((key) =>
    debeziumCase(name, `${key} ${rule}`, { 'converted.timezone': '+08:00', [key]: rule }, update),
  ),
)

const settings: readonly Config[] = [
  {},
  { 'converted.timezone': '' },
  { 'converted.timezone': 'Mars/Phobos' },
  { 'converted.timezone': '8' },
  { 'converted.timezone': 'UTC', 'include.list': 'orders' },
  { 'converted.timezone': 'UTC', 'include.list': 'a-b:c' },
  { 'converted.timezone': 'UTC', 'include.list': 'source:a:b,source:c:d' },
  { 'converted.timezone': 'UTC', 'exclude.list': 'a:b:c:d' },
  { 'converted.timezone': 'UTC', 'include.list': 'a:b', 'exclude.list': 'c:d' },
]

/** A source whose time has a type. */
const typed: SchemaJson = {
  ...source,
  fields: (source.fields ?? []).map((field) =>
    field.name === 'ts_ms' ? { name: 'ts_ms', schema: logical('INT64', 'Timestamp') } : field,
  ),
}
const typedEnvelope: SchemaJson = {
  ...envelopeOf(table),
  fields: (envelopeOf(table).fields ?? []).map((field) =>
    field.name === 'source' ? { name: 'source', schema: typed } : field,
  ),
}
const typedSource = ['include.list', 'exclude.list'].flatMap((key) =>
  ['orders:source.ts_ms', 'orders:source.other'].map((rule) =>
    debeziumCase(
      name,
      `a source with a time, ${key} ${rule}`,
      { 'converted.timezone': '+08:00', [key]: rule },
      recordWith({ schema: typedEnvelope, value: [row, null, sourceValue, null, 'd', 1, 1, 1] }),
    ),
  ),
)

export const timezoneCases: readonly CaseJson[] = [
  ...zones.map((zone) => debeziumCase(name, `all columns in ${zone}`, { 'converted.timezone': zone }, update)),
  ...numbers,
  ...zoned,
  ...times,
  ...lists,
  ...typedSource,
  ...settings.map((config) => debeziumCase(name, `settings ${JSON.stringify(config)}`, config, update)),
  ...onEvents(name, { 'converted.timezone': 'Asia/Kolkata' }),
]
