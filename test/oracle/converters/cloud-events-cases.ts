/** A record to write, as an envelope of JsonConverter, or the bytes of a message to read as Latin-1. */
export type CloudEventsCase =
  | {
      readonly config: Readonly<Record<string, string>>
      readonly record: string | null
      readonly headers: Readonly<Record<string, string>>
    }
  | { readonly config: Readonly<Record<string, string>>; readonly message: string }

/** Bytes are text in Latin-1. */
export type CloudEventsResult =
  | { readonly written: string | null }
  | { readonly schema: string | null; readonly read: unknown }
  | { readonly error: string }
  | { readonly configError: string }

type Json = Readonly<Record<string, unknown>>

const field = (name: string, type: string, more: Json = {}): Json => ({ type, optional: false, ...more, field: name })
const optional = { optional: true }
const row = (name: string): Json => ({
  type: 'struct',
  fields: [
    field('id', 'int32'),
    field('name', 'string', optional),
    field('price', 'bytes', {
      ...optional,
      name: 'org.apache.kafka.connect.data.Decimal',
      version: 1,
      parameters: { scale: '2' },
    }),
    field('__proto__', 'int64', optional),
    field('on', 'boolean', { ...optional, default: true }),
  ],
  optional: true,
  name: 's.public.orders.Value',
  field: name,
})
const sourceSchema: Json = {
  type: 'struct',
  fields: [
    field('version', 'string'),
    field('connector', 'string'),
    field('name', 'string'),
    field('ts_ms', 'int64'),
    field('snapshot', 'string', { ...optional, default: 'false' }),
    field('db', 'string'),
    field('sequence', 'string', optional),
    field('schema', 'string'),
    field('table', 'string'),
    field('txId', 'int64', optional),
    field('lsn', 'int64', optional),
    field('xmin', 'int64', optional),
    field('small', 'int32', optional),
    field('flag', 'boolean', optional),
  ],
  optional: false,
  name: 'io.debezium.connector.postgresql.Source',
  version: 1,
}
const transactionSchema: Json = {
  type: 'struct',
  fields: [field('id', 'string'), field('total_order', 'int64'), field('data_collection_order', 'int64')],
  optional: true,
  name: 'event.block',
  version: 1,
}
const source: Json = {
  version: '3.2.3.Final',
  connector: 'postgresql',
  name: 'my-shop',
  ts_ms: 1704103445678,
  snapshot: null,
  db: 'shöp',
  sequence: '["24023119","24023128"]',
  schema: 'public',
  table: 'orders',
  txId: 9,
  lsn: 24023128,
  xmin: null,
  small: 3,
  flag: true,
}
const transaction = { id: 'tx:1', total_order: 2, data_collection_order: 1 }
const before = { id: 1, name: 'old', price: 'BOI=', ['__proto__']: 9007199254740993n, on: false }
const after = { id: 1, name: 'nëw"', price: null, ['__proto__']: null, on: null }

function text(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) => (typeof item === 'bigint' ? `#${item}` : item)).replace(
    /"#(\d+)"/g,
    '$1',
  )
}

const envelopeSchema = (parts: { readonly name?: string; readonly source?: Json } = {}): Json => ({
  type: 'struct',
  fields: [
    row('before'),
    row('after'),
    { ...(parts.source ?? sourceSchema), field: 'source' },
    { ...transactionSchema, field: 'transaction' },
    field('op', 'string'),
    field('ts_ms', 'int64', optional),
  ],
  optional: false,
  name: parts.name ?? 's.public.orders.Envelope',
  version: 2,
})
const envelope = (schema: Json, payload: unknown): string => text({ schema, payload })

const change = (op: string, changes: Json = {}, parts: Parameters<typeof envelopeSchema>[0] = {}): string =>
  envelope(envelopeSchema(parts), {
    before: null,
    after: null,
    source,
    transaction: null,
    op,
    ts_ms: 1704103445679,
    ...changes,
  })

const string = (value: string): string => envelope({ type: 'string', optional: false }, value)
const inHeaders = { source: envelope(sourceSchema, source), op: string('u') }
const more = {
  id: string('an id'),
  type: string('a type'),
  traceparent: string('00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'),
  dataSchemaName: string('shop.Order'),
}
const flat = envelope(row('x'), before)

const created = change('c', { after: before })
const updated = change('u', { before, after, transaction })
const records = [created, updated, change('d', { before }), change('t'), change('r', { after })]
const others = [
  null,
  envelope({ ...row('x'), optional: true }, null),
  string('text'),
  envelope(
    {
      type: 'struct',
      fields: [field('ts_ms', 'int64')],
      optional: false,
      name: 'io.debezium.connector.common.Heartbeat',
    },
    { ts_ms: 1 },
  ),
  change('c', { source: { ...source, connector: 'mysql' } }),
  change('c', { source: { ...source, lsn: null, txId: null, sequence: null, ts_ms: 0 } }),
  change(
    'c',
    {},
    {
      source: {
        ...sourceSchema,
        fields: (sourceSchema['fields'] as Json[]).filter((each) => each['field'] !== 'sequence'),
      },
    },
  ),
  change(
    'c',
    {},
    {
      source: { ...sourceSchema, fields: [...(sourceSchema['fields'] as Json[]), field('ratio', 'double', optional)] },
    },
  ),
  change(
    'c',
    { source: { ...source, tiny: 5 } },
    { source: { ...sourceSchema, fields: [...(sourceSchema['fields'] as Json[]), field('tiny', 'int8', optional)] } },
  ),
]

const url = { 'avro.schema.registry.url': 'http://registry:8081,http://other:8081' }
export const avroInJson = { 'data.serializer.type': 'avro', ...url }
export const avro = { ...avroInJson, 'serializer.type': 'avro' }
const withoutSchemas = { 'json.schemas.enable': 'false' }
const formats = [{}, withoutSchemas, avroInJson, avro]

const written = (
  config: Readonly<Record<string, string>>,
  record: string | null,
  headers: Readonly<Record<string, string>> = {},
): CloudEventsCase => ({
  config,
  record,
  headers,
})

const configs: readonly Readonly<Record<string, string>>[] = [
  { 'extension.attributes.enable': 'false' },
  { 'schema.cloudevents.name': 'my.Events' },
  { 'json.decimal.format': 'NUMERIC', ...withoutSchemas },
  { 'json.replace.null.with.default': 'false', ...withoutSchemas },
  { 'opentelemetry.tracing.attributes.enable': 'true' },
  { 'opentelemetry.tracing.attributes.enable': 'true', 'metadata.source': 'value,id:generate,type:generate' },
  { 'metadata.source': 'header' },
  { 'metadata.source': 'HEADER, id:generate, type:generate', ...withoutSchemas },
  { 'metadata.source': 'value,id:header,type:header' },
  { 'metadata.source': 'value' },
  {
    'metadata.source': 'header',
    'schema.data.name.source.header.enable': 'true',
    'opentelemetry.tracing.attributes.enable': 'true',
  },
  {
    'metadata.source': 'value,id:generate,type:generate,dataSchemaName:header',
    'schema.data.name.source.header.enable': 'true',
  },
]

const wrong: readonly Readonly<Record<string, string>>[] = [
  { 'serializer.type': 'avro' },
  { 'data.serializer.type': 'avro' },
  { 'metadata.source': 'generate' },
  { 'metadata.source': 'value,id:value' },
  { 'metadata.source': 'value,id:nothing' },
  { 'metadata.source': 'value,subject:header' },
]

const attributes = { id: '1', source: '/s', specversion: '1.0', type: 't' }
const intSchema = { type: 'int32', optional: false }

/** What is read: events of others, and what is no event. */
const messages: readonly (readonly [Readonly<Record<string, string>>, unknown])[] = [
  [withoutSchemas, { ...attributes, data: { a: [1, 'x', null, true] } }],
  [withoutSchemas, { ...attributes, subject: 's', data: 'text' }],
  [{}, { ...attributes, data: { schema: null, payload: { a: 1 } } }],
  [{}, { ...attributes, data: { schema: intSchema, payload: 5 } }],
  [{}, { ...attributes, data: { schema: intSchema, payload: 'x', more: 1 } }],
  [{}, { ...attributes, data: { a: 1 } }],
  [withoutSchemas, { id: '1', source: '/s', type: 't', data: 1 }],
  [withoutSchemas, []],
  [withoutSchemas, 'text'],
]

export const cloudEventsCases: readonly CloudEventsCase[] = [
  ...formats.flatMap((config) => records.map((record) => written(config, record))),
  ...[{}, avro].flatMap((config) => others.map((record) => written(config, record))),
  ...[withoutSchemas, avro].flatMap((config) =>
    ['none', 'avro', 'avro_unicode'].map((mode) =>
      written({ ...config, 'schema.name.adjustment.mode': mode }, created),
    ),
  ),
  ...configs.flatMap((config) => [
    written(config, updated, { ...inHeaders, ...more, transaction: envelope(transactionSchema, transaction) }),
    written(config, updated, inHeaders),
    written(config, updated),
    written(config, flat, { ...inHeaders, ...more }),
  ]),
  written({ ...avro, 'metadata.source': 'header,id:generate,type:generate' }, flat, inHeaders),
  ...wrong.map((config) => written(config, created)),
  ...messages.map(([config, message]) => ({ config, message: JSON.stringify(message) })),
]
