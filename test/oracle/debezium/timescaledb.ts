import { optional, struct, types } from '../cases/samples.ts'
import type { CaseJson, ChunkJson, PartJson, RecordJson, SchemaJson, ValueJson } from '../oracle-json.ts'
import { after, changeOf, debeziumCase, envelopeOf, events, recordWith, row, source, sourceValue } from './events.ts'

type Config = Readonly<Record<string, string>>

export const timescale = 'io.debezium.connector.postgresql.transforms.timescaledb.TimescaleDb'

const internal = '_timescaledb_internal'
const chunk = '_hyper_1_1_chunk'
/** Never connected to: the chunks of the cases stand in for the database. */
const connection: Config = { 'database.hostname': 'db', 'database.user': 'reader', 'database.dbname': 'shop' }

/** The chunks of all cases. */
export const chunks: readonly ChunkJson[] = [
  [internal, chunk, 'public', 'conditions'],
  [internal, '_hyper_2_2_chunk', internal, '_materialized_hypertable_2', 'public', 'conditions_summary'],
  [internal, 'compress_hyper_3_4_chunk', internal, '_compressed_hypertable_3'],
  [internal, 'odd', 'Sensor Data', 'Wetter/°C'],
  [internal, '__proto__', 'a.b', 'c.d'],
  ['other', chunk, 'public', 'others'],
  ['public', 'orders', 'shop', 'measures'],
]

const plain = optional(types.string)
const blockOf = (schema: SchemaJson, table: SchemaJson): SchemaJson =>
  struct(
    [
      ['schema', schema],
      ['table', table],
    ],
    { name: 'source' },
  )

function eventOf(block: SchemaJson | null, value: ValueJson): PartJson {
  const fields = envelopeOf(row).fields ?? []
  const kept = fields.filter(({ name }) => name !== 'source')
  const schema: SchemaJson = {
    ...envelopeOf(row),
    fields: block === null ? kept : [...kept, { name: 'source', schema: block }],
  }
  const rest: ValueJson[] = [null, after, null, 'c', null, null, null]
  return { schema, value: block === null ? rest : [...rest, value] }
}

/** A change of a table, as the source makes it. */
export function changeIn(schema: string, table: string): PartJson {
  const names = (source.fields ?? []).map(({ name }) => name)
  const block = (sourceValue as ValueJson[]).map((value, i) => ({ schema, table })[names[i] ?? ''] ?? value)
  const { schema: envelope, value } = changeOf('c', null, after)
  return {
    ...(envelope && { schema: envelope }),
    value: (value as ValueJson[]).map((part, i) => (i === 2 ? block : part)),
  }
}

const made = (name: string, config: Config, record: RecordJson): CaseJson => ({
  ...debeziumCase(timescale, name, { ...connection, ...config }, record),
  chunks,
})

const tables: readonly (readonly [string, string])[] = [
  [internal, chunk],
  [internal, '_hyper_2_2_chunk'],
  [internal, 'compress_hyper_3_4_chunk'],
  [internal, 'odd'],
  [internal, '__proto__'],
  [internal, 'constructor'],
  [internal, '_hyper_10_1_chunk'],
  [internal, '_HYPER_1_1_CHUNK'],
  ['other', chunk],
  ['public', 'conditions'],
  ['', ''],
]

const settings: readonly Config[] = [
  { 'target.topic.prefix': 'weather' },
  { 'target.topic.prefix': 'a.b-c' },
  { 'target.topic.prefix': '' },
  { 'schema.list': 'other' },
  { 'schema.list': ` x , ${internal} ` },
  { 'schema.list': `${internal},other` },
  { 'schema.list': internal.toUpperCase() },
  { 'schema.list': '' },
  { 'schema.list': ',' },
  {
    'database.port': '5433',
    'database.password': 'p',
    'database.sslmode': 'require',
    'database.tcpKeepAlive': 'false',
  },
]

/** Change events with other blocks than those of the source. */
const blocks: Readonly<Record<string, PartJson>> = {
  'of schema and table only': eventOf(blockOf(plain, plain), [internal, chunk]),
  'that is null': eventOf(optional(blockOf(plain, plain)), null),
  'without values': eventOf(blockOf(plain, plain), [null, null]),
  'without a table': eventOf(blockOf(plain, plain), [internal, null]),
  'without a schema': eventOf(blockOf(plain, plain), [null, chunk]),
  missing: eventOf(null, null),
  'of a database without schemas': eventOf(struct([['table', plain]], { name: 'source' }), [chunk]),
  'without a field for the table': eventOf(struct([['schema', plain]], { name: 'source' }), [internal]),
  'whose schema is a number': eventOf(blockOf(types.int32, plain), [1, chunk]),
  'that is a text': eventOf(types.string, 's'),
  'with defaults': eventOf(blockOf({ ...plain, default: internal }, { ...plain, default: chunk }), [null, null]),
}

const create = (schema: string, table: string, more: Partial<RecordJson> = {}): RecordJson =>
  recordWith(changeIn(schema, table), more)

const header = (name: string): NonNullable<RecordJson['headers']>[number] => ({
  name,
  schema: types.string,
  value: 'x',
})

export const timescaleCases: readonly CaseJson[] = [
  ...Object.entries(events).map(([name, record]) =>
    made(`of the schema public, ${name}`, { 'schema.list': 'public' }, record),
  ),
  ...Object.entries(events).map(([name, record]) => made(`of another schema, ${name}`, {}, record)),
  ...tables.map(([schema, table]) => made(`table "${schema}"."${table}"`, {}, create(schema, table))),
  ...settings.flatMap((config) =>
    [internal, 'other'].map((schema) =>
      made(`${JSON.stringify(config)}, schema ${schema}`, config, create(schema, chunk)),
    ),
  ),
  ...Object.entries(blocks).map(([name, value]) => made(`a source ${name}`, {}, recordWith(value))),
  made('of a sink', {}, create(internal, chunk, { offset: 7, partition: 3 })),
  made('with a partition', {}, create(internal, '_hyper_2_2_chunk', { partition: 3, timestamp: null })),
  made(
    'with headers of the same names',
    {},
    create(internal, '_hyper_2_2_chunk', {
      headers: ['chunk_table', 'hypertable_schema'].map((name) => header(`__debezium_timescaledb_${name}`)),
    }),
  ),
  made('without headers', {}, create(internal, chunk, { headers: [] })),
]
