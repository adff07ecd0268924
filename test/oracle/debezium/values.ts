import { oddNames, optional, struct, types, values, typeNames, withDefault } from '../cases/samples.ts'
import type { CaseJson, PartJson, RecordJson, SchemaJson, ValueJson } from '../oracle-json.ts'
import { after, before, changeOf, debeziumCase, onEvents, recordWith, source, sourceValue } from './events.ts'

type Config = Readonly<Record<string, string>>

const changed = 'ExtractChangedRecordState'
const both = { 'header.changed.name': 'Changed', 'header.unchanged.name': 'не-changed' }
const hex = (bytes: string): readonly ValueJson[] => [bytes, `${bytes}00`]

/** Pairs of values of each type, equal and not. */
const pairs = typeNames.flatMap((type) => {
  const [one = null, two = null] = type === 'bytes' ? hex('00ff') : [values[type].at(-1), values[type].at(0)]
  return [
    [one, one],
    [one, two],
    [null, one],
    [null, null],
  ].map(([old, now]) => {
    const table = optional(struct([['c', optional(types[type])]], { name: 't.Value' }))
    return debeziumCase(
      changed,
      `${type} ${JSON.stringify([old, now])}`,
      both,
      recordWith(changeOf('u', [old ?? null], [now ?? null], { table })),
    )
  })
})

const zeros = [
  ['0.0', '-0.0'],
  ['NaN', 'NaN'],
].map(([old = '', now = '']) => {
  const table = optional(struct([['c', types.float64]], { name: 't.Value' }))
  return debeziumCase(changed, `double ${old} and ${now}`, both, recordWith(changeOf('u', [old], [now], { table })))
})

export const changedStateCases: readonly CaseJson[] = [
  ...[
    both,
    {},
    { 'header.changed.name': 'c' },
    { 'header.unchanged.name': '__proto__' },
    { 'header.changed.name': ' ' },
  ].flatMap((config: Config) => onEvents(changed, config)),
  ...pairs,
  ...zeros,
]

const toValue = 'HeaderToValue'

const sent: readonly (PartJson & { name: string })[] = [
  { name: 'h', schema: types.int32, value: 1 },
  { name: 'big', schema: types.int64, value: '9007199254740993' },
  { name: 'list', schema: optional({ type: 'ARRAY', values: types.string }), value: ['a', 'b'] },
  { name: '__proto__', schema: types.string, value: 'p' },
  { name: 'none', schema: optional(types.string), value: null },
  { name: 'NaN', schema: types.float64, value: 'NaN' },
]

const move = (headers: string, fields: string, operation = 'move'): Config => ({ headers, fields, operation })

const moves: readonly Config[] = [
  move('h', 'one'),
  move('h', 'one', 'copy'),
  move('h,big,list,none,NaN', 'a,b,c,d,e'),
  move('big, h', 'first,second', 'copy'),
  move('__proto__', '__proto__'),
  move('h', 'ключ-новый'),
  move('h,nothing', 'one,two'),
  move('nothing', 'one'),
  move('h,h', 'one,two', 'copy'),
  move('h', 'op'),
]

const nested: readonly Config[] = [
  move('h', 'after.one'),
  move('h,big', 'after.one,after.two'),
  move('h,big', 'after.one,source.two', 'copy'),
  move('h', 'source.lsn'),
]

const headerSettings: readonly Config[] = [
  {},
  { headers: 'h', fields: 'f' },
  { headers: 'h', operation: 'copy' },
  { fields: 'f', operation: 'copy' },
  move('h,big', 'one'),
  move('h', 'one', 'MOVE'),
  move('h', 'one', 'delete'),
  move('a b', 'one'),
  move('h', 'a b'),
  move('h,,x', 'a,b,c'),
  move('h', ''),
  move('h,', 'one,'),
]

const sending = (value: PartJson): RecordJson => ({ ...recordWith(value), headers: sent })

const targets: Readonly<Record<string, PartJson>> = {
  update: changeOf('u', before, after),
  delete: changeOf('d', before, null),
  tombstone: { value: null },
  text: { schema: types.string, value: 'x' },
  map: { value: { a: 1 } },
  odd: {
    schema: struct(
      oddNames.map((name) => [name, types.int64]),
      { name: 'odd', version: 2 },
    ),
    value: oddNames.map((_, i) => i),
  },
  nulls: {
    schema: optional(
      struct([['a', withDefault(optional(types.int32), 7)]], { name: 'n', doc: 'd', parameters: { p: 'q' } }),
    ),
    value: [null],
  },
}

export const headerToValueCases: readonly CaseJson[] = [
  ...moves.flatMap((config) =>
    Object.entries(targets).map(([what, value]) =>
      debeziumCase(toValue, `${JSON.stringify(config)}, ${what}`, config, sending(value)),
    ),
  ),
  ...nested.map((config) =>
    debeziumCase(toValue, `${JSON.stringify(config)}, update`, config, sending(changeOf('u', before, after))),
  ),
  ...[move('h', 'after.one'), move('h', 'nothing.one'), move('h', 'op.one')].map((config) =>
    debeziumCase(toValue, `no place: ${JSON.stringify(config)}`, config, sending(changeOf('d', before, null))),
  ),
  debeziumCase(toValue, 'a header without a schema', move('plain', 'one'), {
    ...recordWith(changeOf('u', before, after)),
    headers: [{ name: 'plain', value: 'x' }],
  }),
  debeziumCase(toValue, 'two headers of one name', move('h', 'one'), {
    ...recordWith(changeOf('u', before, after)),
    headers: [...sent, ...sent],
  }),
  ...headerSettings.map((config) =>
    debeziumCase(toValue, `settings ${JSON.stringify(config)}`, config, sending(changeOf('u', before, after))),
  ),
]

const decoder = 'io.debezium.connector.postgresql.transforms.DecodeLogicalDecodingMessageContent'

const block = (content: SchemaJson): SchemaJson =>
  struct(
    [
      ['op', types.string],
      ['ts_ms', optional(types.int64)],
      ['source', source],
      [
        'message',
        struct(
          [
            ['prefix', optional(types.string)],
            ['content', content],
          ],
          { name: 'io.debezium.connector.postgresql.Message', version: 1 },
        ),
      ],
    ],
    { name: 'io.debezium.connector.postgresql.MessageValue', version: 1 },
  )

function message(content: ValueJson, schema: SchemaJson = optional(types.bytes)): RecordJson {
  const value = ['m', 1704103445679, sourceValue, ['outbox', content]]
  const prefix: SchemaJson = struct([['prefix', optional(types.string)]], { name: 'MessageKey', version: 1 })
  return recordWith(
    { schema: block(schema), value },
    { topic: 's.message', key: { schema: prefix, value: ['outbox'] } },
  )
}

const contents = [
  '{}',
  '{"id":"1","aggregatetype":"order","payload":{"a":1,"b":[1.5]},"big":9007199254740993}',
  '{"__proto__":{"ключ":null},"n":null,"inner":{"x":{"y":true}}}',
  '{"a":[{"b":1},{"b":2}]}',
  '{"a":1} x',
  '[]',
  '[{"a":1}]',
  'text',
  '',
  '{"a":',
  '{"a":[1,"x"]}',
]

export const decodedMessageCases: readonly CaseJson[] = [
  ...contents.flatMap((text) =>
    [{}, { 'fields.null.include': 'true' }].map((config: Config) =>
      debeziumCase(decoder, `${text} ${JSON.stringify(config)}`, config, message(Buffer.from(text).toString('hex'))),
    ),
  ),
  debeziumCase(decoder, 'bytes that are no UTF-8', {}, message('7b2261223a22ff227d')),
  debeziumCase(decoder, 'no content', {}, message(null)),
  debeziumCase(decoder, 'a text', {}, message('{}', types.string)),
  ...onEvents(decoder, {}, ['create', 'update', 'delete', 'truncate', 'heartbeat', 'logical message', 'text']),
  ...onEvents(decoder, {}, ['tombstone', 'no schema']),
]

const filter = 'SchemaChangeEventFilter'
const list = 'schema.change.event.exclude.list'
const change: SchemaJson = struct([['type', types.string]], { name: 'io.debezium.connector.schema.Change' })

function schemaChange(
  changes: readonly string[] | null,
  name = 'io.debezium.connector.mysql.SchemaChangeValue',
): RecordJson {
  const schema = struct(
    [
      ['ddl', optional(types.string)],
      ['tableChanges', optional({ type: 'ARRAY', values: change })],
    ],
    { name, version: 1 },
  )
  return recordWith({ schema, value: ['alter table t', changes === null ? null : changes.map((type) => [type])] })
}

export const schemaChangeCases: readonly CaseJson[] = [
  ...['CREATE', 'ALTER', 'DROP', 'TRUNCATE'].flatMap((type) =>
    ['CREATE', ' ALTER , DROP', 'DATABASE', 'TRUNCATE,'].map((excluded) =>
      debeziumCase(filter, `${type} without ${excluded}`, { [list]: excluded }, schemaChange([type, 'CREATE'])),
    ),
  ),
  ...[null, [], ['OTHER']].map((changes) =>
    debeziumCase(filter, `changes ${JSON.stringify(changes)}`, { [list]: 'DATABASE' }, schemaChange(changes)),
  ),
  debeziumCase(filter, 'a key', { [list]: 'ALTER' }, schemaChange(['ALTER'], 'x.SchemaChangeKey')),
  debeziumCase(filter, 'another name', { [list]: 'ALTER' }, schemaChange(['ALTER'], 'SchemaChangeValue')),
  ...[{}, { [list]: '' }, { [list]: 'alter' }, { [list]: 'ALTER,,DROP' }].map((config: Config) =>
    debeziumCase(filter, `settings ${JSON.stringify(config)}`, config, schemaChange(['ALTER'])),
  ),
  ...onEvents(filter, { [list]: 'ALTER' }),
]
