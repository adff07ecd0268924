import type { CaseJson, PartJson, RecordJson, SchemaJson, ValueJson } from '../oracle-json.ts'

const data = 'org.apache.kafka.connect.data'

/** A schema of each type, and values of it. */
export const types = {
  int8: { type: 'INT8' },
  int16: { type: 'INT16' },
  int32: { type: 'INT32' },
  int64: { type: 'INT64' },
  float32: { type: 'FLOAT32' },
  float64: { type: 'FLOAT64' },
  boolean: { type: 'BOOLEAN' },
  string: { type: 'STRING' },
  bytes: { type: 'BYTES' },
  decimal: { type: 'BYTES', name: `${data}.Decimal`, version: 1, parameters: { scale: '2' } },
  date: { type: 'INT32', name: `${data}.Date`, version: 1 },
  time: { type: 'INT32', name: `${data}.Time`, version: 1 },
  timestamp: { type: 'INT64', name: `${data}.Timestamp`, version: 1 },
  array: { type: 'ARRAY', values: { type: 'INT32' } },
  map: { type: 'MAP', keys: { type: 'STRING' }, values: { type: 'INT64' } },
  struct: { type: 'STRUCT', name: 'inner', fields: [{ name: 'x', schema: { type: 'INT32' } }] },
} as const satisfies Record<string, SchemaJson>

export type TypeName = keyof typeof types

export const typeNames = Object.keys(types) as TypeName[]

export const values: Readonly<Record<TypeName, readonly ValueJson[]>> = {
  int8: [0, 1, -128, 127],
  int16: [0, -32768, 32767, 300],
  int32: [0, -2147483648, 2147483647, 65536],
  int64: [
    0,
    16777217,
    9007199254740991,
    '9007199254740993',
    '-9223372036854775808',
    '9223372036854775807',
    '72057598332895233',
  ],
  float32: ['0.0', '-0.0', '0.1', '300.7', '-1.5', '3.4028235E38', 'NaN', 'Infinity', '1.0E-7'],
  float64: [
    '0.0',
    '-0.0',
    '0.1',
    '300.7',
    '-0.9',
    '1.0E10',
    '1.5E300',
    '-1.5E300',
    'NaN',
    '-Infinity',
    '2.5',
    '16777217.0',
  ],
  boolean: [true, false],
  string: [
    '',
    '1',
    '-128',
    '300',
    'true',
    'TRUE',
    ' 5 ',
    '+7',
    '1.5',
    '1e3',
    '0x1p3',
    '1f',
    'NaN',
    '９',
    '9223372036854775808',
    'x',
  ],
  bytes: ['', '00ff', '7465'],
  decimal: ['0.00', '12.50', '-0.01', '300.70', '99999999999999999999.99', '-129.00'],
  date: [0, 1, 19723, -1, 2932896],
  time: [0, 1, 86399999, 86400000],
  timestamp: [0, 1, -1, 86400000, 1704067200000, 1704103445678, '9007199254740993'],
  array: [[], [1, 2]],
  map: [[], [['a', 1]]],
  struct: [[5]],
}

/** The names that are also members of every JavaScript object, and others that are easily mistaken. */
export const oddNames = ['__proto__', 'constructor', 'toString', 'ключ', 'a.b', 'with space', '😀'] as const

export const struct = (
  fields: readonly (readonly [string, SchemaJson])[],
  more: Partial<SchemaJson> = {},
): SchemaJson => ({
  type: 'STRUCT',
  ...more,
  fields: fields.map(([name, schema]) => ({ name, schema })),
})

export const optional = (schema: SchemaJson): SchemaJson => ({ ...schema, optional: true })
export const withDefault = (schema: SchemaJson, value: ValueJson): SchemaJson => ({ ...schema, default: value })

/** A struct with a field of each type, and its value. */
export const everything: PartJson = {
  schema: struct(
    typeNames.map((name) => [name, types[name]]),
    { name: 'everything', version: 3, doc: 'all types', parameters: { p: 'q' } },
  ),
  value: typeNames.map((name) => values[name].at(-1) ?? null),
}

/** The JSON values, in a map without a schema. */
export const plainEverything: PartJson = {
  value: {
    int: 300,
    negative: -1,
    big: { $long: '9223372036854775807' },
    double: 1.5,
    yes: true,
    text: 'text',
    number: '12',
    nothing: null,
    bytes: { $bytes: '00ff' },
    list: [1, 'a', null],
    map: { inner: { deep: 1 }, other: 'x' },
    empty: {},
  },
}

/** Optional and required fields, with and without defaults, all null. */
export const nulls: PartJson = {
  schema: struct([
    ['optional', optional(types.int32)],
    ['optionalDefault', withDefault(optional(types.int32), 7)],
    ['requiredDefault', withDefault(types.string, '42')],
  ]),
  value: [null, null, null],
}

/** {@link nulls} without the field that must not be null. */
export const optionalNulls: PartJson = {
  schema: struct(
    [
      ['optional', optional(types.int32)],
      ['optionalDefault', withDefault(optional(types.int32), 7)],
      ['textDefault', withDefault(optional(types.string), '42')],
    ],
    { optional: true },
  ),
  value: [null, null, null],
}

export const oddStruct: PartJson = {
  schema: struct(oddNames.map((name) => [name, types.int64])),
  value: oddNames.map((_, i) => i),
}

export const oddMap: PartJson = { value: Object.fromEntries(oddNames.map((name, i) => [name, i])) }

/** Every kind of key or value that a transform can meet. */
export const parts: Readonly<Record<string, PartJson>> = {
  everything,
  plainEverything,
  nulls,
  optionalNulls,
  oddStruct,
  oddMap,
  tombstone: { value: null },
  'null with a schema': { schema: optional(struct([['a', types.int32]])), value: null },
  'null of a string': { schema: optional(types.string), value: null },
  string: { schema: types.string, value: 'text' },
  'plain string': { value: 'text' },
  'plain list': { value: [1, 2] },
  'a map with a schema': { schema: types.map, value: [['a', 1]] },
  'a struct with a default': {
    schema: withDefault(struct([['a', types.int32]], { name: 'd' }), [5]),
    value: [6],
  },
  'an empty struct': { schema: struct([]), value: [] },
}

export const recordOf = (value: PartJson, more: Partial<RecordJson> = {}): RecordJson => ({
  topic: 'shop.orders',
  partition: 3,
  key: { schema: types.string, value: 'k' },
  value,
  timestamp: '1704103445678',
  headers: [{ name: 'h', schema: types.int32, value: 1 }],
  ...more,
})

/** A case of a transform of Kafka. */
export function transformCase(
  transform: string,
  name: string,
  config: Readonly<Record<string, string>>,
  record: RecordJson,
): CaseJson {
  return { name: `${transform}: ${name}`, class: `org.apache.kafka.connect.transforms.${transform}`, config, record }
}

/** A case for each of the {@link parts}, as the value; and for the key, with `$Key`. */
export function onAllParts(transform: string, name: string, config: Readonly<Record<string, string>>): CaseJson[] {
  return Object.entries(parts).flatMap(([part, json]) => {
    const value = transformCase(`${transform}$Value`, `${name}, ${part}`, config, recordOf(json))
    const key = transformCase(
      `${transform}$Key`,
      `${name}, ${part}`,
      config,
      recordOf(json, { key: json, value: { value: 1 } }),
    )
    return part === 'everything' || part === 'plainEverything' || part === 'tombstone' ? [value, key] : [value]
  })
}

/** Cases of settings that are not valid, or just so. */
export function configCases(
  transform: string,
  configs: readonly Readonly<Record<string, string>>[],
  value: PartJson = { value: { a: 1 } },
): CaseJson[] {
  return configs.map((config) =>
    transformCase(transform, `settings ${JSON.stringify(config)}`, config, recordOf(value)),
  )
}
