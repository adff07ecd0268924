import { optional, struct, types, withDefault } from '../cases/samples.ts'
import type { CaseJson, PartJson, RecordJson, SchemaJson, ValueJson } from '../oracle-json.ts'

/** A table with hostile names of columns and with values that are easily lost. */
export const row: SchemaJson = struct(
  [
    ['id', types.int32],
    ['name', optional(types.string)],
    ['qty', withDefault(optional(types.int32), 5)],
    ['big', optional(types.int64)],
    ['ratio', optional(types.float64)],
    ['__proto__', optional(types.string)],
    ['with-dash', optional(types.string)],
    ['ключ', withDefault(optional(types.string), 'д')],
  ],
  { name: 's.public.orders.Value', optional: true },
)

export const before: ValueJson = [1, 'old', 4, '9007199254740993', 'NaN', 'p', 'd', 'к']
export const after: ValueJson = [1, 'new.topic', 7, '-9223372036854775808', '-0.0', 'q', null, 'л']
export const withNulls: ValueJson = [1, null, null, null, null, null, null, null]

export const source: SchemaJson = struct(
  [
    ['version', types.string],
    ['connector', types.string],
    ['name', types.string],
    ['ts_ms', types.int64],
    ['snapshot', withDefault(optional(types.string), 'false')],
    ['db', types.string],
    ['schema', types.string],
    ['table', types.string],
    ['txId', optional(types.int64)],
    ['lsn', optional(types.int64)],
  ],
  { name: 'io.debezium.connector.postgresql.Source', version: 1 },
)

export const sourceValue: ValueJson = [
  '3.2.3.Final',
  'postgresql',
  's',
  1704103445678,
  null,
  'shop',
  'public',
  'orders',
  9,
  '9007199254740995',
]

const transaction: SchemaJson = struct(
  [
    ['id', types.string],
    ['total_order', types.int64],
    ['data_collection_order', types.int64],
  ],
  { name: 'event.block', version: 1, optional: true },
)

/** Returns the schema of the change events of a table. */
export function envelopeOf(table: SchemaJson, more: Partial<SchemaJson> = {}): SchemaJson {
  return struct(
    [
      ['before', table],
      ['after', table],
      ['source', source],
      ['transaction', transaction],
      ['op', types.string],
      ['ts_ms', optional(types.int64)],
      ['ts_us', optional(types.int64)],
      ['ts_ns', optional(types.int64)],
    ],
    { name: 's.public.orders.Envelope', version: 2, ...more },
  )
}

export const envelope: SchemaJson = envelopeOf(row)

export const key: PartJson = { schema: struct([['id', types.int32]], { name: 's.public.orders.Key' }), value: [1] }

/** Returns the value of a change event. */
export function changeOf(op: string, old: ValueJson, now: ValueJson, more: Partial<ChangeJson> = {}): PartJson {
  const { table = row, inTransaction = false } = more
  const block = inTransaction ? ['tx:1', 2, '9007199254740993'] : null
  return {
    schema: more.schema ?? envelopeOf(table),
    value: [old, now, sourceValue, block, op, 1704103445679, 1704103445679123, '1704103445679123456'],
  }
}

interface ChangeJson {
  readonly table: SchemaJson
  readonly schema: SchemaJson
  readonly inTransaction: boolean
}

/** Returns a record as the source of a table makes it. */
export const recordWith = (value: PartJson, more: Partial<RecordJson> = {}): RecordJson => ({
  topic: 's.public.orders',
  partition: null,
  key,
  value,
  timestamp: '1704103445680',
  headers: [{ name: 'h', schema: types.int32, value: 1 }],
  ...more,
})

const heartbeat = struct([['ts_ms', types.int64]], { name: 'io.debezium.connector.common.Heartbeat', version: 1 })
const message = struct(
  [
    ['op', types.string],
    ['ts_ms', optional(types.int64)],
    ['source', source],
  ],
  { name: 'io.debezium.connector.postgresql.MessageValue', version: 1 },
)

/** Every kind of record of a source. */
export const events: Readonly<Record<string, RecordJson>> = {
  create: recordWith(changeOf('c', null, after)),
  read: recordWith(changeOf('r', null, after)),
  update: recordWith(changeOf('u', before, after, { inTransaction: true })),
  'update to null': recordWith(changeOf('u', before, withNulls)),
  'update without the row before': recordWith(changeOf('u', null, after)),
  delete: recordWith(changeOf('d', before, null, { inTransaction: true })),
  'delete of nulls': recordWith(changeOf('d', withNulls, null)),
  truncate: recordWith(changeOf('t', null, null), { key: { value: null } }),
  tombstone: recordWith({ value: null }),
  'tombstone with a schema': recordWith({ schema: optional(envelope), value: null }),
  heartbeat: recordWith({ schema: heartbeat, value: [1] }),
  'logical message': recordWith({ schema: message, value: ['m', 1, sourceValue] }),
  text: recordWith({ schema: types.string, value: 'text' }),
  'no schema': recordWith({ value: { id: 1 } }),
}

/** A case of a transform of Debezium. */
export function debeziumCase(
  transform: string,
  name: string,
  config: Readonly<Record<string, string>>,
  record: RecordJson,
): CaseJson {
  const className = transform.startsWith('io.') ? transform : `io.debezium.transforms.${transform}`
  return { name: `${transform}: ${name}`, class: className, config, record }
}

/** A case for each of the {@link events}, or for some of them. */
export function onEvents(
  transform: string,
  config: Readonly<Record<string, string>>,
  names: readonly string[] = Object.keys(events),
): CaseJson[] {
  return Object.entries(events)
    .filter(([name]) => names.includes(name))
    .map(([name, record]) => debeziumCase(transform, `${JSON.stringify(config)}, ${name}`, config, record))
}
