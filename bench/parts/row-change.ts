import { primitive, struct, type ConnectValue } from 'penstock/api'

const text = primitive('STRING')
const optionalText = primitive('STRING', { optional: true })
const long = primitive('INT64')

const row = struct(
  [
    ['id', long],
    ['customer', long],
    ['state', text],
    ['note', optionalText],
    ['amount', primitive('FLOAT64')],
    ['count', primitive('INT32')],
    ['paid', primitive('BOOLEAN')],
    ['created', primitive('INT64', { name: 'io.debezium.time.MicroTimestamp', version: 1 })],
    ['updated', primitive('INT64', { name: 'io.debezium.time.MicroTimestamp', version: 1, optional: true })],
    ['city', optionalText],
    ['street', text],
    ['code', text],
  ],
  { name: 'shop.public.orders.Value', optional: true },
)
const source = struct(
  [
    ['version', text],
    ['connector', text],
    ['name', text],
    ['ts_ms', long],
    ['snapshot', optionalText],
    ['db', text],
    ['sequence', optionalText],
    ['schema', text],
    ['table', text],
    ['txId', primitive('INT64', { optional: true })],
    ['lsn', primitive('INT64', { optional: true })],
    ['xmin', primitive('INT64', { optional: true })],
  ],
  { name: 'io.debezium.connector.postgresql.Source', version: 1 },
)
/** A change of a table with 12 columns, as Debezium has it. */
export const envelope = struct(
  [
    ['before', row],
    ['after', row],
    ['source', source],
    ['op', text],
    ['ts_ms', primitive('INT64', { optional: true })],
  ],
  { name: 'shop.public.orders.Envelope', version: 1 },
)

/** Changes of 64 rows, each an object of its own as those of a source are. */
export const changes: readonly ConnectValue[] = Array.from({ length: 64 }, (_, i) => newChange(i))

/** Returns the change of a row. Numbers and texts in it differ from those of other rows. */
export function newChange(i: number): readonly ConnectValue[] {
  const time = 1_700_000_000_000_000 + i
  const after = [
    i,
    i * 7,
    'delivered',
    i % 2 === 0 ? null : `leave at door ${i}`,
    i / 3,
    i % 100,
    true,
    time,
    time + 5,
    'Zürich',
    `Bahnhofstrasse ${i}`,
    'AB-12',
  ]
  const from = [
    '3.2.3.Final',
    'postgresql',
    'shop',
    1_700_000_000_000 + i,
    'false',
    'shop',
    `["${33_500_000 + i}","${33_500_001 + i}"]`,
    'public',
    'orders',
    900 + i,
    33_500_000 + i,
    null,
  ]
  return [null, after, from, 'u', 1_700_000_000_100 + i]
}
