import type { ResultJson, SchemaJson, ValueJson } from './oracle-json.ts'

/** Why a case ends otherwise here than in Kafka Connect. */
export type Reason = keyof typeof reasons

/** A case that ends otherwise here than in Kafka Connect. */
export interface Deviation {
  readonly reason: Reason
  readonly result: ResultJson
}

/** The reasons for all deviations. */
export const reasons = {
  'reported earlier': 'Kafka finds an invalid pattern when it has a record; here it is an error of the config.',
  'no rename': 'A renamed field that is missing or excluded: Kafka fails, or reads the excluded field for another one.',
  'text kept': 'A header literal is only a number or date if all of it is one; Kafka drops or changes the rest.',
  'no element type': 'A list or map of elements without a common type has no schema; Kafka gives it half a schema.',
  'one scale': 'A whole number has scale 0; Kafka may give it a negative scale.',
  'no overflow': 'Kafka computes the start of the first day of its range past the range.',
  'shortened month': 'Kafka counts weeks of October 1582, which had 21 days, in its own way.',
} as const

const header = (value: ValueJson, schema?: SchemaJson): ResultJson => ({
  changed: {
    headers: [
      { name: 'h', schema: { type: 'INT32' }, value: 1 },
      schema === undefined ? { name: 'x', value } : { name: 'x', schema, value },
    ],
  },
})

const day = (days: number): ResultJson => ({
  changed: {
    value: { schema: { type: 'INT32', name: 'org.apache.kafka.connect.data.Date', version: 1 }, value: days },
  },
})

const text = (value: string): ResultJson => ({ changed: { value: { schema: { type: 'STRING' }, value } } })

const firstDay = -106_751_991_168
const decimal: SchemaJson = {
  type: 'BYTES',
  name: 'org.apache.kafka.connect.data.Decimal',
  version: 1,
  parameters: { scale: '0' },
}
const renamed: SchemaJson = {
  type: 'STRUCT',
  name: 's',
  version: 2,
  fields: [
    { name: 'b', schema: { type: 'STRING' } },
    { name: 'c', schema: { type: 'INT64' } },
  ],
}

/** The cases that end otherwise on purpose, by name. */
export const deviations: Readonly<Record<string, Deviation>> = {
  'TimestampRouter: an invalid pattern': {
    reason: 'reported earlier',
    result: { configError: { class: 'ConfigException', message: null } },
  },
  'ReplaceField$Value: {"renames":"a:c","exclude":"a"}': {
    reason: 'no rename',
    result: { changed: { value: { schema: renamed, value: ['x', 3] } } },
  },
  'ReplaceField$Value: {"renames":"x:b"}': { reason: 'no rename', result: { changed: {} } },
  'InsertHeader: literal 1,2': { reason: 'text kept', result: header('1,2', { type: 'STRING' }) },
  'InsertHeader: literal 2024-13-01': { reason: 'text kept', result: header('2024-13-01', { type: 'STRING' }) },
  'InsertHeader: literal [1,"a"]': { reason: 'no element type', result: header([1, 'a']) },
  'InsertHeader: literal []': { reason: 'no element type', result: header([]) },
  'InsertHeader: literal [null]': { reason: 'no element type', result: header([null]) },
  'InsertHeader: literal {}': { reason: 'no element type', result: header({}) },
  'InsertHeader: literal {"a":null}': { reason: 'no element type', result: header({ a: null }) },
  'InsertHeader: literal 1E400': { reason: 'one scale', result: header(`1${'0'.repeat(400)}`, decimal) },
  'TimestampConverter$Value: F of -12219292800000': { reason: 'shortened month', result: text('3') },
  'TimestampConverter$Value: w W of -12219292800000': { reason: 'shortened month', result: text('40 3') },
  'TimestampConverter$Value: int64 "-9223372036854775808" to Date': { reason: 'no overflow', result: day(firstDay) },
  'TimestampConverter$Value: timestamp -9223372036854775808 to Date': { reason: 'no overflow', result: day(firstDay) },
  'TimestampConverter$Value: unix -1704103445678901234 seconds to Date': {
    reason: 'no overflow',
    result: day(firstDay),
  },
  'TimestampConverter$Value: unix -9223372036854775808 seconds to Date': {
    reason: 'no overflow',
    result: day(firstDay),
  },
  'TimestampConverter$Value: unix -9223372036854775808 milliseconds to Date': {
    reason: 'no overflow',
    result: day(firstDay),
  },
}
