import { noHeaders, type ConnectRecord } from '../../api/record.ts'
import type { SchemaAndValue } from '../../api/converter.ts'
import { Logical, arrayOf, mapOf, primitive, struct } from '../../api/schema.ts'

const text = primitive('STRING', { optional: true })
const row = struct(
  [
    ['id', primitive('INT64')],
    ['note', text],
    ['tags', arrayOf(text, { optional: true })],
  ],
  { name: 'contract.Row', optional: true },
)

/** Values of every type, with those at the edges (I11). */
export const sampleValues: readonly SchemaAndValue[] = [
  { schema: primitive('BOOLEAN'), value: true },
  { schema: primitive('INT8'), value: -128 },
  { schema: primitive('INT16'), value: 32767 },
  { schema: primitive('INT32'), value: -2147483648 },
  { schema: primitive('INT64'), value: 9223372036854775807n },
  { schema: primitive('INT64', { optional: true }), value: -1 },
  { schema: primitive('FLOAT64'), value: 0.1 },
  { schema: primitive('STRING'), value: 'é\u{1f600} "quoted" \\ \n' },
  { schema: text, value: '' },
  { schema: text, value: null },
  { schema: primitive('BYTES'), value: Buffer.from([0, 127, 128, 255]) },
  {
    schema: primitive('BYTES', { name: Logical.decimal, version: 1, parameters: { scale: '2' } }),
    value: '12345678901234567890.10',
  },
  { schema: primitive('INT64', { name: Logical.timestamp, version: 1 }), value: 1_700_000_000_123 },
  { schema: arrayOf(primitive('INT32')), value: [1, 2, 3] },
  { schema: mapOf(primitive('STRING'), primitive('INT32')), value: new Map([['a', 1]]) },
  { schema: row, value: [1, 'a', ['x', null]] },
  { schema: row, value: [2, null, null] },
  { schema: row, value: null },
]

/** Values without a schema. */
export const plainValues: readonly SchemaAndValue[] = [
  { schema: null, value: true },
  { schema: null, value: 'text' },
  { schema: null, value: 9007199254740993n },
  { schema: null, value: [1, 'a', null] },
  { schema: null, value: { a: { b: [] } } },
]

/** Returns records of all these forms, among them one without a value, one without a key, and one with headers. */
export function sampleRecords(topic: string): readonly ConnectRecord[] {
  const record = { topic, partition: 0, keySchema: text, key: 'k', timestamp: 1_700_000_000_000, headers: noHeaders }
  const values: ConnectRecord[] = []
  for (const { schema, value } of [...sampleValues, ...plainValues])
    values.push({ ...record, valueSchema: schema, value })
  const first = { ...record, valueSchema: row, value: [1, 'a', null] }
  return [
    ...values,
    { ...record, valueSchema: null, value: null },
    { ...first, keySchema: null, key: null },
    { ...first, partition: null, timestamp: null },
    {
      ...first,
      headers: [
        { key: 'h', schema: text, value: 'v' },
        { key: 'h', schema: null, value: null },
      ],
    },
  ]
}
