import { oddNames, optional, struct, types, values, typeNames, withDefault } from '../cases/samples.ts'
import type { CaseJson, PartJson, SchemaJson } from '../oracle-json.ts'
import { after, before, changeOf, debeziumCase, envelopeOf, events, key, onEvents, recordWith, row } from './events.ts'

type Config = Readonly<Record<string, string>>

const router = 'ByLogicalTableRouter'
const shards = { 'topic.regex': 's\\.public\\.(.*)', 'topic.replacement': 'all.$1' }
const adjustment = 'schema.name.adjustment.mode'

const routerConfigs: readonly Config[] = [
  shards,
  { ...shards, 'key.enforce.uniqueness': 'false' },
  { ...shards, 'key.field.name': 'shard' },
  { ...shards, 'key.field.regex': 's\\.(.*)\\.(.*)', 'key.field.replacement': '$2@$1' },
  { 'topic.regex': 'other', 'topic.replacement': 'x' },
  { 'topic.regex': '(.*)', 'topic.replacement': '$2' },
]

const adjusted = ['-a.b', '1st', 'ключ.таблица', 'a_b', '😀', 'x'].flatMap((topic) =>
  ['none', 'avro', 'avro_unicode', ' AVRO '].map((mode) => {
    const config = { 'topic.regex': '.*', 'topic.replacement': topic, [adjustment]: mode }
    return debeziumCase(router, `${topic} in mode ${mode}`, config, recordWith(changeOf('u', before, after)))
  }),
)

const routerSettings: readonly Config[] = [
  {},
  { 'topic.regex': 's.*' },
  { 'topic.replacement': 'x' },
  { 'topic.regex': '(', 'topic.replacement': 'x' },
  { 'topic.regex': '.*', 'topic.replacement': '' },
  { 'topic.regex': '.*()', 'topic.replacement': '$1' },
  { ...shards, 'key.field.regex': '(' },
  { ...shards, 'key.field.regex': '(.*)' },
  { ...shards, 'key.field.regex': '(.*)', 'key.field.replacement': ' ' },
  { ...shards, 'key.field.regex': ' ', 'key.field.replacement': 'x' },
  { ...shards, 'key.field.regex': 'other', 'key.field.replacement': 'x' },
  { ...shards, 'key.field.replacement': 'x' },
  { ...shards, 'key.field.name': 'id' },
  { ...shards, 'key.field.name': '' },
  { ...shards, 'key.field.name': '__proto__' },
  { ...shards, [adjustment]: 'upper' },
  { ...shards, 'logical.table.cache.size': '1' },
]

const keys: Readonly<Record<string, PartJson>> = {
  none: { value: null },
  'null with a schema': { schema: optional(struct([['id', types.int32]])), value: null },
  text: { schema: types.string, value: 'k' },
  'a plain map': { value: { id: 1 } },
  'optional with a default': {
    schema: optional(
      struct(
        [
          ['id', types.int32],
          ['part', withDefault(optional(types.string), 'p')],
        ],
        { name: 'k', version: 2, doc: 'd', parameters: { p: 'q' } },
      ),
    ),
    value: [1, null],
  },
  odd: { schema: struct(oddNames.map((name) => [name, types.int64])), value: oddNames.map((_, i) => i) },
}

const tables: readonly (readonly [string, SchemaJson])[] = [
  [
    'a required row with version, doc and parameters',
    { ...row, optional: false, version: 3, doc: 'd', parameters: { p: 'q' } },
  ],
  ['a row with a default', withDefault(row, after)],
]

export const logicalRouterCases: readonly CaseJson[] = [
  ...routerConfigs.flatMap((config) => onEvents(router, config)),
  ...adjusted,
  ...routerSettings.map((config) =>
    debeziumCase(router, `settings ${JSON.stringify(config)}`, config, recordWith(changeOf('u', before, after))),
  ),
  ...Object.entries(keys).map(([what, json]) =>
    debeziumCase(router, `a key, ${what}`, shards, recordWith(changeOf('u', before, after), { key: json })),
  ),
  ...tables.map(([what, table]) =>
    debeziumCase(router, what, shards, recordWith(changeOf('u', null, after, { table }))),
  ),
  debeziumCase(router, 'an event with a doc', shards, {
    ...recordWith(changeOf('c', null, after, { schema: { ...envelopeOf(row), doc: 'd', optional: true } })),
    key,
  }),
]

const partitions = 'partitions.PartitionRouting'
const fields = 'partition.payload.fields'
const count = 'partition.topic.num'
const hash = 'partition.hash.function'

const fieldLists = [
  'change.name',
  'change.id,source.table',
  'source.schema, source.table',
  'op',
  'ts_ms',
  'ts_ns',
  'after.id',
  'before.id',
  'change.qty',
  'change.__proto__,change.ключ',
  'change.big',
  'change.ratio',
  'nothing',
  'source.nothing,change.nothing',
  'nothing.at.all,op',
  'op.x',
  'source.snapshot',
  'change.name.',
  'transaction.id',
]

const hashes: readonly Config[] = [{}, { [hash]: 'murmur' }]

/** Values of a column of each type that has a hash that is always the same. */
const hashable = typeNames.filter((type) => type !== 'struct')
const columnCases = hashable.flatMap((type) =>
  values[type].flatMap((value) =>
    hashes.map((config) => {
      const table = struct([['c', types[type]]], { name: 't.Value', optional: true })
      return debeziumCase(
        partitions,
        `${type} ${JSON.stringify(value)} ${JSON.stringify(config)}`,
        { [fields]: 'change.c', [count]: '1000003', ...config },
        recordWith(changeOf('c', null, [value], { table })),
      )
    }),
  ),
)

const texts = [
  '',
  'a',
  '12345678',
  '123456789abcdef',
  '0123456789abcdef',
  '0123456789abcdefg',
  'ключ',
  '€',
  '😀a',
  '\u{10ffff}',
  'ÿ'.repeat(20),
]
const textCases = texts.flatMap((text) =>
  hashes.map((config) =>
    debeziumCase(
      partitions,
      `text ${JSON.stringify(text)} ${JSON.stringify(config)}`,
      { [fields]: 'change.c', [count]: '2147483647', ...config },
      recordWith(
        changeOf('c', null, [text], { table: struct([['c', types.string]], { name: 't.Value', optional: true }) }),
      ),
    ),
  ),
)

const partitionSettings: readonly Config[] = [
  {},
  { [fields]: 'op' },
  { [count]: '3' },
  { [fields]: 'op', [count]: '0' },
  { [fields]: 'op', [count]: '-1' },
  { [fields]: '', [count]: '3' },
  { [fields]: 'op,,ts_ms', [count]: '3' },
  { [fields]: 'op,', [count]: '3' },
  { [fields]: ' op , ts_ms ', [count]: '300' },
  { [fields]: 'op', [count]: '3', [hash]: 'md5' },
  { [fields]: 'op', [count]: '3', [hash]: ' MURMUR ' },
]

export const partitionRoutingCases: readonly CaseJson[] = [
  ...fieldLists.flatMap((list) =>
    hashes.flatMap((config) =>
      onEvents(partitions, { [fields]: list, [count]: '65521', ...config }, [
        'create',
        'update',
        'delete',
        'truncate',
        'heartbeat',
      ]),
    ),
  ),
  ...onEvents(partitions, { [fields]: 'op', [count]: '7' }),
  ...columnCases,
  ...textCases,
  ...partitionSettings.map((config) =>
    debeziumCase(partitions, `settings ${JSON.stringify(config)}`, config, events['create'] ?? recordWith(key)),
  ),
]
