/** A message that JsonConverter reads with a config. */
export interface ContentCase {
  readonly config: Readonly<Record<string, string>>
  readonly message: string | null
}

/** What is read, as an envelope with decimals as numbers, and what the converter itself writes of it. */
export type ContentResult =
  | { readonly read: string | null; readonly written: string | null }
  | { readonly error: string }
  | { readonly configError: string }

const field = (name: string, type: string, more = ''): string => `{"type":"${type}","field":"${name}"${more}}`
const row = `{"type":"struct","name":"shop.Order","version":2,"fields":[${[
  field('id', 'int64'),
  field('name', 'string', ',"optional":true'),
  field('price', 'bytes', ',"name":"org.apache.kafka.connect.data.Decimal","version":1,"parameters":{"scale":"2"}'),
  field('at', 'int64', ',"name":"org.apache.kafka.connect.data.Timestamp","version":1'),
  field('amount', 'int32', ',"optional":true,"default":7'),
  `{"type":"array","items":{"type":"string"},"optional":true,"field":"tags"}`,
  `{"type":"map","keys":{"type":"string"},"values":{"type":"double"},"optional":true,"field":"rates"}`,
].join(',')}]}`
const order = '{"id":9007199254740993,"name":"ü","price":"BOI=","at":0,"amount":null,"tags":["a"],"rates":{"x":0.5}}'
const optionalText = '{"type":"string","optional":true}'
const withDefault = '{"type":"int32","optional":true,"default":5}'
const envelope = (schema: string, payload: string): string => `{"schema":${schema},"payload":${payload}}`

const withContent = (content: string, messages: readonly (string | null)[], config = {}): readonly ContentCase[] =>
  messages.map((message) => ({ config: { 'schema.content': content, ...config }, message }))

export const contentCases: readonly ContentCase[] = [
  ...withContent(row, [
    order,
    '{"id":1,"price":1.25,"at":5}',
    '{"id":1,"price":12345678901234567890.12,"at":5,"unknown":[1]}',
    '{}',
    '{"id":"1","price":1,"at":0}',
    'null',
    null,
    '[]',
    'nonsense',
    envelope('{"type":"int32"}', '1'),
  ]),
  ...withContent(row, [order], { 'decimal.format': 'NUMERIC', 'replace.null.with.default': 'false' }),
  ...withContent(row, [order, envelope('{"type":"int32"}', '1'), null], { 'schemas.enable': 'false' }),
  ...withContent(optionalText, ['"a"', 'null', null, '5', '{"schema":null,"payload":null}']),
  ...withContent(withDefault, ['null', '3', null]),
  ...withContent(withDefault, ['null', '3'], { 'replace.null.with.default': 'false' }),
  ...withContent('{"type":"struct","fields":[{"type":"int32","field":"schema"},{"type":"int32","field":"payload"}]}', [
    '{"schema":1,"payload":2}',
  ]),
  ...withContent(
    '{"type":"struct","fields":[{"type":"int32","field":"__proto__"},{"type":"int32","field":"constructor"}]}',
    ['{"__proto__":1,"constructor":2}', '{}'],
  ),
  // As if it were not there: each message has its own schema.
  ...withContent('', [envelope('{"type":"int32"}', '1'), '1', null]),
  ...withContent('null', [envelope('{"type":"int32"}', '1'), '1', null]),
  ...withContent('nonsense', ['1']),
  ...withContent('{', ['1']),
  ...withContent('5', ['1']),
  ...withContent('{}', ['1']),
  ...withContent('{"type":"int33"}', ['1']),
  ...withContent('{"type":"int33"}', ['1'], { 'schemas.enable': 'false' }),
  ...withContent('{"type":"array"}', ['[]']),
]
