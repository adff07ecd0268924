import { optional, struct, types, withDefault } from '../cases/samples.ts'
import type { CaseJson, SchemaJson, ValueJson } from '../oracle-json.ts'
import { changeOf, debeziumCase, onEvents, recordWith } from './events.ts'

const name = 'outbox.EventRouter'

type Config = Readonly<Record<string, string>>
type Columns = Readonly<Record<string, ValueJson>>

const time = (unit: string): SchemaJson => optional({ type: 'INT64', name: `io.debezium.time.${unit}`, version: 1 })
export const json: SchemaJson = optional({ type: 'STRING', name: 'io.debezium.data.Json', version: 1 })

const columns: readonly (readonly [string, SchemaJson, ValueJson])[] = [
  ['id', { type: 'STRING', name: 'io.debezium.data.Uuid', version: 1 }, '59a42efd-b015-44a9-9dde-cb36d9002425'],
  ['aggregatetype', types.string, 'order'],
  ['aggregateid', types.string, 'o-1'],
  ['type', optional(types.string), 'OrderCreated'],
  ['payload', json, '{"id": 1}'],
  ['at', time('MicroTimestamp'), 1704103445678901],
  ['at_ms', time('Timestamp'), 1704103445678],
  ['at_ns', time('NanoTimestamp'), '1704103445678901234'],
  ['negative', time('MicroTimestamp'), -1],
  ['connect_time', optional({ type: 'INT32', name: 'io.debezium.time.Date', version: 1 }), 5],
  ['plain', types.int64, '9223372036854775807'],
  ['none', time('MicroTimestamp'), null],
  ['version', types.int32, 3],
  ['small', types.int16, 3],
  ['shard', optional(types.int32), 7],
  ['tenant', withDefault(optional(types.string), 'нет'), null],
  ['ratio', optional(types.float64), 'NaN'],
  ['bin', optional(types.bytes), '7b7d'],
  ['__proto__', optional(types.string), 'p'],
]

function table(without: string | null = null, more: Partial<SchemaJson> = {}): SchemaJson {
  const kept = columns.filter(([column]) => column !== without)
  return struct(
    kept.map(([column, schema]) => [column, schema]),
    { name: 's.public.outbox.Value', optional: true, ...more },
  )
}

function rowOf(changed: Columns, without: string | null = null): ValueJson {
  return columns
    .filter(([column]) => column !== without)
    .map(([column, , value]) => (Object.hasOwn(changed, column) ? (changed[column] ?? null) : value))
}

function routed(what: string, config: Config, changed: Columns = {}, op = 'c'): CaseJson {
  const event = changeOf(op, null, rowOf(changed), { table: table() })
  return debeziumCase(name, `${what} ${JSON.stringify([config, changed])}`, config, recordWith(event, { partition: 2 }))
}

function lacking(column: string, config: Config = {}): CaseJson {
  const event = changeOf('c', null, rowOf({}, column), { table: table(column) })
  return debeziumCase(name, `without ${column} ${JSON.stringify(config)}`, config, recordWith(event))
}

const place = 'table.fields.additional.placement'
const missing = 'table.fields.additional.error.on.missing'

const placed: readonly Config[] = [
  { [place]: 'type:header' },
  { [place]: 'type:header:eventType,tenant:header,ratio:header,bin:header,plain:header' },
  { [place]: 'type:envelope' },
  { [place]: 'type:envelope:eventType, tenant : Envelope : кто ,__proto__:ENVELOPE' },
  { [place]: 'shard:partition' },
  { [place]: 'version:partition,shard:partition,type:header' },
  { [place]: 'small:partition' },
  { [place]: 'type:partition' },
  { [place]: 'type:envelope:payload' },
  { [place]: 'type:envelope,tenant:envelope:type' },
  { [place]: 'type:envelope', 'table.field.event.schema.version': 'version' },
  { [place]: 'type:envelope', 'table.field.event.schema.version': 'small' },
  { [place]: 'type:envelope', 'table.field.event.schema.version': 'nothing' },
  { [place]: 'nothing:header' },
  { [place]: 'nothing:partition' },
  { [place]: 'nothing:envelope' },
  { [place]: 'nothing:header,type:header', [missing]: 'false' },
  { [place]: 'nothing:partition', [missing]: 'false' },
  { [place]: 'nothing:envelope,type:envelope', [missing]: 'false' },
  { [place]: 'type' },
  { [place]: 'type:header:a:b' },
  { [place]: 'type:nowhere' },
  { [place]: '' },
]

const named: readonly Config[] = [
  ...['at', 'at_ms', 'at_ns', 'negative', 'none', 'plain', 'connect_time', 'type', 'nothing'].map((column) => ({
    'table.field.event.timestamp': column,
  })),
  { 'table.field.event.id': 'version' },
  { 'table.field.event.id': 'nothing' },
  { 'table.field.event.key': 'version' },
  { 'table.field.event.key': '__proto__' },
  { 'table.field.event.key': 'tenant' },
  { 'table.field.event.key': 'nothing' },
  { 'table.field.event.type': 'nothing' },
  { 'table.field.event.payload': 'bin' },
  { 'table.field.event.payload': 'ratio' },
  { 'table.field.event.payload': 'nothing' },
  { 'route.by.field': '__proto__' },
  { 'route.by.field': 'tenant' },
  { 'route.by.field': 'version' },
  { 'route.by.field': 'nothing' },
  { 'route.topic.replacement': 'events' },
  { 'route.topic.replacement': '${routedByValue}-$1' },
  { 'route.topic.replacement': '$2' },
  { 'route.topic.replacement': '${other}' },
  { 'route.topic.regex': 'o(.*)', 'route.topic.replacement': 'x.$1' },
  { 'route.topic.regex': 'other', 'route.topic.replacement': 'x' },
  { 'route.topic.regex': '(' },
  { 'table.op.invalid.behavior': 'maybe' },
  { 'table.op.invalid.behavior': 'FATAL' },
  { 'table.json.payload.null.behavior': 'keep' },
]

const tombstone = 'route.tombstone.on.empty.payload'
const emptied = ['', '  \n', 'x', null].flatMap((payload) =>
  [{}, { [tombstone]: 'true' }, { [tombstone]: 'true', [place]: 'type:envelope' }, { [place]: 'type:envelope' }].map(
    (config) => routed('a payload', config, { payload }),
  ),
)

/** Documents that Debezium expands or sends as text. */
const documents = [
  '{}',
  '{"a":1,"b":2147483648,"c":-2147483648,"d":9007199254740993,"e":-9223372036854775808}',
  '{"double":1.0,"exponent":1e2,"huge":1e400,"zero":-0.0,"int zero":-0,"tiny":5e-324}',
  '{"yes":true,"no":false,"text":"a\\u00e9\\ud83d\\ude00\\n","empty":""}',
  '{"z":1,"10":2,"2":3,"a":{"z":{"y":"x"}}}',
  '{"__proto__":{"constructor":"c"},"toString":1,"with-dash":2,"ключ":"з","a.b":1," ":{"c":1}}',
  '{"nothing":null,"a":1,"inner":{"nothing":null}}',
  '{"empty":[],"ints":[1,2,3],"texts":["a",null,"b"],"doubles":[1.5,-0.0,1e400]}',
  '{"nested":[[1,2],[3]],"deep":[[[{"a":1}]]],"objects":[{"a":1},{"a":2}]}',
  '{"objects":[{"a":1},null,{"a":2}]}',
  '{"a":1,"a":"twice"}',
  '{"a":1} trailing',
  ' {"a":1}',
  '{"a":1,}',
  '{"a":01}',
  '{"a":NaN}',
  "{'a':1}",
  '{"a":"\t"}',
  '{"":1}',
  '{"a":"\\x"}',
  '{"a":1',
  '{',
  '"text"',
  '12',
  'null',
  '{"mixed":[1,"a"]}',
  '{"numbers":[1,2147483648]}',
  '{"nulls":[null]}',
  '{"arrays":[[]]}',
  `{"a":${'[1,'.repeat(3)}2${']'.repeat(3)}}`,
] as const

/** Documents that Debezium gives a schema that their text does not have, or of which it loses a part. What it does with items of several structures differs from run to run. */
export const brokenDocuments = [
  '[1,2]',
  '[]',
  '[{"a":1}]',
  '{"a":9223372036854775808}',
  '{"a":[[{"b":1}],[{"c":2}]]}',
] as const

const expand = 'table.expand.json.payload'

export const expandCase = (payload: string, config: Config = {}): CaseJson =>
  routed('expands', { [expand]: 'true', ...config }, { payload })

const expanded = documents.flatMap((payload) => [
  expandCase(payload),
  expandCase(payload, { 'table.json.payload.null.behavior': 'optional_bytes', [place]: 'type:envelope' }),
])

const shapes: readonly (readonly [string, Partial<SchemaJson>])[] = [
  ['a name without dots', { name: 'outbox' }],
  ['a required row', { optional: false, version: 2, doc: 'd', parameters: { p: 'q' } }],
]

export const eventRouterCases: readonly CaseJson[] = [
  ...[{}, { 'table.op.invalid.behavior': 'error' }, { 'table.op.invalid.behavior': 'fatal' }].flatMap((config) =>
    onEvents(name, config),
  ),
  ...['c', 'r', 'u', 'd', 'm', 'x'].map((op) => routed(`operation ${op}`, {}, {}, op)),
  ...[...placed, ...named].map((config) => routed('settings', config)),
  ...['id', 'aggregateid', 'aggregatetype', 'payload', 'type'].map((column) => lacking(column)),
  lacking('payload', { 'table.field.event.payload': 'bin' }),
  routed('no topic', {}, { aggregatetype: 'a\nb' }),
  routed('no topic', { 'route.by.field': 'type' }, { type: null }),
  routed('no shard', { [place]: 'shard:partition' }, { shard: null }),
  ...emptied,
  ...expanded,
  ...brokenDocuments.map((payload) => expandCase(payload)),
  routed('expands no text', { [expand]: 'true', 'table.field.event.payload': 'bin' }),
  routed('expands null', { [expand]: 'true' }, { payload: null }),
  ...shapes.flatMap(([what, more]) =>
    [{}, { [place]: 'type:envelope' }].map((config) =>
      debeziumCase(
        name,
        `${what} ${JSON.stringify(config)}`,
        config,
        recordWith(changeOf('c', null, rowOf({}), { table: table(null, more) })),
      ),
    ),
  ),
]
