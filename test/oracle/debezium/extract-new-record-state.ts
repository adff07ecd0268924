import { optional, struct, types, withDefault } from '../cases/samples.ts'
import type { CaseJson, PartJson, SchemaJson } from '../oracle-json.ts'
import { after, before, changeOf, debeziumCase, envelopeOf, events, onEvents, recordWith, row } from './events.ts'

const name = 'ExtractNewRecordState'
const mode = 'delete.tombstone.handling.mode'

type Config = Readonly<Record<string, string>>

const modes: readonly Config[] = [
  {},
  ...['drop', 'tombstone', 'rewrite', 'rewrite-with-tombstone', 'delete-to-tombstone', ' REWRITE '].map((one) => ({
    [mode]: one,
  })),
  { [mode]: 'rewrite', 'replace.null.with.default': 'false' },
  { 'replace.null.with.default': 'false' },
]

const references = [
  'op',
  'op:kind',
  'op,table,source.lsn,transaction.id,ts_ms,ts_us,ts_ns',
  'lsn, txId , snapshot',
  'id,total_order,data_collection_order',
  'source.snapshot:s',
  'before.name,after.name,before.__proto__:old,after.ключ',
  'op,,table',
  'op:',
  ':x',
  'nothing',
  'source.nothing',
  'nothing.at_all',
  'transaction.id:tx',
  'before.qty',
]

const added: readonly Config[] = references.flatMap((fields) => [
  { 'add.fields': fields },
  { 'add.headers': fields },
  { 'add.fields': fields, 'add.fields.prefix': '', [mode]: 'rewrite-with-tombstone' },
])

const malformed = ['a.b.c', 'op:a:b', 'op.x', 'source', 'transaction']

/** Records on which references to fields are tried. */
const referring = ['create', 'update', 'delete', 'delete of nulls', 'truncate', 'tombstone', 'heartbeat']

const others: readonly Config[] = [
  { 'add.headers': 'op,lsn', 'add.headers.prefix': 'x-', [mode]: 'rewrite-with-tombstone' },
  { 'add.fields': 'op,table', 'add.headers': 'op', 'add.fields.prefix': 'ф_', 'add.headers.prefix': '' },
  { 'add.fields': 'op', 'add.fields.prefix': '', 'add.headers': 'op', [mode]: 'delete-to-tombstone' },
  { 'add.fields': 'op:name', 'add.fields.prefix': '' },
  { 'route.by.field': 'name' },
  { 'route.by.field': 'name', [mode]: 'rewrite' },
  { 'route.by.field': 'name', [mode]: 'delete-to-tombstone' },
  { 'route.by.field': 'name', 'add.fields': 'op', 'add.headers': 'table' },
  { 'route.by.field': '__proto__' },
  { 'route.by.field': 'ключ' },
  { 'route.by.field': 'id' },
  { 'route.by.field': 'nothing' },
  { 'route.by.field': '' },
]

const header = (value: PartJson) => [
  { name: 'h', schema: types.int32, value: 1 },
  { name: 'drop', ...value },
  { name: 'drop', schema: { type: 'ARRAY', values: types.string } as SchemaJson, value: ['name'] },
]

const list: SchemaJson = { type: 'ARRAY', values: types.string }
const lists: Readonly<Record<string, PartJson>> = {
  'id and name': { schema: list, value: ['id', 'name'] },
  'all optional': { schema: list, value: ['name', 'qty', 'big', 'ratio', '__proto__', 'with-dash', 'ключ'] },
  unknown: { schema: list, value: ['nothing'] },
  empty: { schema: list, value: [] },
  null: { schema: optional(list), value: null },
  'a plain list': { value: ['id', 'with-dash', '__op'] },
}

const dropConfigs: readonly Config[] = [
  {},
  { 'drop.fields.from.key': 'true' },
  { 'drop.fields.keep.schema.compatible': 'false' },
  { 'drop.fields.keep.schema.compatible': 'false', 'drop.fields.from.key': 'true' },
  { [mode]: 'rewrite', 'add.fields': 'op' },
  { 'add.fields': 'op', 'drop.fields.keep.schema.compatible': 'false' },
  { [mode]: 'rewrite', 'replace.null.with.default': 'false' },
  { [mode]: 'delete-to-tombstone', 'drop.fields.keep.schema.compatible': 'false', 'drop.fields.from.key': 'true' },
]

const drops: CaseJson[] = dropConfigs.flatMap((config) =>
  Object.entries(lists).flatMap(([what, value]) =>
    (['create', 'update to null', 'delete'] as const).map((event) =>
      debeziumCase(
        name,
        `drops ${what} with ${JSON.stringify(config)}, ${event}`,
        { 'drop.fields.header.name': 'drop', ...config },
        { ...recordWith(events[event]?.value ?? { value: null }), headers: header(value) },
      ),
    ),
  ),
)

/** A column that other columns of the key and value are named like, and a key of two optional columns. */
const keyed = debeziumCase(
  name,
  'drops a part of a key',
  {
    'drop.fields.header.name': 'drop',
    'drop.fields.from.key': 'true',
  },
  recordWith(changeOf('u', before, after), {
    key: {
      schema: struct(
        [
          ['id', types.int32],
          ['name', withDefault(optional(types.string), 'n')],
        ],
        { name: 'k', version: 3 },
      ),
      value: [1, null],
    },
    headers: header({ schema: list, value: ['id', 'name'] }),
  }),
)

const shapes: readonly (readonly [string, SchemaJson])[] = [
  ['a row that is required', { ...row, optional: false }],
  ['a row with version, doc and parameters', { ...row, version: 3, doc: 'd', parameters: { p: 'q' } }],
  ['a row with a default', withDefault({ ...row, optional: true }, after)],
  ['a row without a name', struct([['id', types.int32]], { optional: true })],
]

const shaped: CaseJson[] = shapes.flatMap(([what, table]) =>
  [{}, { [mode]: 'rewrite', 'add.fields': 'op' }].map((config) =>
    debeziumCase(
      name,
      `${what}, ${JSON.stringify(config)}`,
      config,
      recordWith(
        changeOf('u', null, (table.fields?.length ?? 0) > 1 ? after : [1], {
          schema: envelopeOf(table),
        }),
      ),
    ),
  ),
)

const named = ['s.Envelope', 'Envelope', 'x', 's.envelope', 's.CloudEvents.Envelope'].map((schemaName) =>
  debeziumCase(
    name,
    `an event with the schema ${schemaName}`,
    {},
    recordWith(changeOf('u', before, after, { schema: envelopeOf(row, { name: schemaName }) })),
  ),
)

const settings: readonly Config[] = [
  { [mode]: 'none' },
  { [mode]: '' },
  { 'drop.fields.from.key': 'yes' },
  { 'drop.fields.keep.schema.compatible': '1' },
  { 'drop.fields.from.key': 'TRUE' },
]

export const newRecordStateCases: readonly CaseJson[] = [
  ...[...modes, ...others].flatMap((config) => onEvents(name, config)),
  ...added.flatMap((config) => onEvents(name, config, referring)),
  ...malformed.flatMap((fields) => onEvents(name, { 'add.fields': fields }, ['update'])),
  ...malformed.flatMap((fields) => onEvents(name, { 'add.headers': fields }, ['update'])),
  ...drops,
  keyed,
  debeziumCase(
    name,
    'drops fields of a tombstone',
    { 'drop.fields.header.name': 'drop', [mode]: 'delete-to-tombstone' },
    { ...recordWith(changeOf('d', before, null)), headers: header({ schema: list, value: ['name'] }) },
  ),
  ...shaped,
  ...named,
  ...settings.map((config) =>
    debeziumCase(
      name,
      `settings ${JSON.stringify(config)}`,
      config,
      events['create'] ?? recordWith(changeOf('c', null, after)),
    ),
  ),
]
