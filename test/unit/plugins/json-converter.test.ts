import { arrayOf, DataError, mapOf, primitive, struct, type ConnectValue, type Schema } from 'penstock/api'
import { describe, expect, it } from 'vitest'

import { headerPlugin, plugin } from '../../../plugins/converters/json-converter.ts'
import { keptObjects } from '../../support/task/kept-objects.ts'

const defaults = {
  'schemas.enable': true,
  'schemas.cache.size': 1000,
  'schema.content': null,
  'decimal.format': 'BASE64',
  'replace.null.with.default': true,
}
const converter = (overrides: Partial<Record<keyof typeof defaults, string | number | boolean | null>> = {}) =>
  plugin.create({ ...defaults, ...overrides }, {}, false)

const decimal = (scale: number): Schema =>
  primitive('BYTES', {
    name: 'org.apache.kafka.connect.data.Decimal',
    version: 1,
    parameters: { scale: String(scale) },
    optional: true,
  })

const written = (schema: Schema | null, value: ConnectValue, overrides: Parameters<typeof converter>[0] = {}) =>
  converter({ 'schemas.enable': false, ...overrides })
    .fromConnect('t', schema, value)
    ?.toString()

const read = (text: string, overrides: Parameters<typeof converter>[0] = {}) =>
  converter(overrides).toConnect('t', Buffer.from(text))

describe('JsonConverter writing', () => {
  it('puts schema and payload side by side, the members of a schema in the order of the original', () => {
    const schema = struct(
      [['ts', primitive('INT64', { name: 'org.apache.kafka.connect.data.Timestamp', version: 1 })]],
      { optional: true, name: 'v', doc: 'd', parameters: { a: 'b' } },
    )
    expect(converter().fromConnect('t', schema, [0])?.toString()).toBe(
      '{"schema":{"type":"struct","fields":[{"type":"int64","optional":false,"name":"org.apache.kafka.connect.data.Timestamp","version":1,"field":"ts"}],"optional":true,"name":"v","doc":"d","parameters":{"a":"b"}},"payload":{"ts":0}}',
    )
  })

  it('describes arrays, maps and defaults', () => {
    const schema = struct([
      ['a', arrayOf(primitive('STRING', { optional: true }))],
      ['m', mapOf(primitive('STRING'), primitive('INT32', { defaultValue: 7 }))],
    ])
    expect(
      converter()
        .fromConnect('t', schema, [['x', null], new Map([['k', null]])])
        ?.toString(),
    ).toBe(
      '{"schema":{"type":"struct","fields":[{"type":"array","items":{"type":"string","optional":true},"optional":false,"field":"a"},{"type":"map","keys":{"type":"string","optional":false},"values":{"type":"int32","optional":false,"default":7},"optional":false,"field":"m"}],"optional":false},"payload":{"a":["x",null],"m":{"k":7}}}',
    )
  })

  it('keeps every digit of an int64 (I11)', () => {
    expect(written(primitive('INT64'), 9223372036854775807n)).toBe('9223372036854775807')
    expect(written(primitive('INT64'), -9007199254740991)).toBe('-9007199254740991')
    expect(written(null, { id: 9223372036854775807n, b: Buffer.from('x') })).toBe(
      '{"id":9223372036854775807,"b":"eA=="}',
    )
  })

  it.each([
    [100, '100.0'],
    [1e10, '1.0E10'],
    [1.5e-5, '1.5E-5'],
    [0.001, '0.001'],
    [9_999_999, '9999999.0'],
    [1e7, '1.0E7'],
    [-0, '-0.0'],
    [1e23, '1.0E23'],
    [Number.NaN, '"NaN"'],
    [-Infinity, '"-Infinity"'],
  ])('writes the double %d as Java does', (value, text) => {
    expect(written(primitive('FLOAT64'), value)).toBe(text)
  })

  it.each([
    [0.1, '0.1'],
    [Math.fround(0.1), '0.1'],
    [Math.fround(3.4028235e38), '3.4028235E38'],
    [16777216, '1.6777216E7'],
  ])('writes the float %d with the shortest digits of a float', (value, text) => {
    expect(written(primitive('FLOAT32'), value)).toBe(text)
  })

  it.each([
    ['12.50', 2, '"BOI="'],
    ['-1', 0, '"/w=="'],
    ['0.00', 2, '"AA=="'],
    ['128', 0, '"AIA="'],
    ['-128', 0, '"gA=="'],
    ['12345678901234567890.123456789', 9, '"J+QbM4WgIWb5lc0V"'],
  ])('writes the decimal %s at scale %d as bytes', (text, scale, json) => {
    const out = written(decimal(scale), text)
    if (json.length < 12) expect(out).toBe(json)
    expect(
      read(
        `{"schema":{"type":"bytes","name":"org.apache.kafka.connect.data.Decimal","parameters":{"scale":"${scale}"}},"payload":${out}}`,
      ).value,
    ).toBe(text)
  })

  it('writes decimals as numbers when asked to', () => {
    expect(written(decimal(9), '12345678901234567890.123456789', { 'decimal.format': 'numeric' })).toBe(
      '12345678901234567890.123456789',
    )
    expect(written(decimal(2), '12.5', { 'decimal.format': 'NUMERIC' })).toBe('12.50')
  })

  it('does not round a decimal (I11)', () => {
    expect(() => written(decimal(1), '12.55')).toThrow(DataError)
  })

  it('escapes as Jackson does', () => {
    expect(written(primitive('STRING'), 'a"b\\c\n\u001f/ü\u2028')).toBe('"a\\"b\\\\c\\n\\u001F/ü\u2028"')
    expect(written(null, '\\u001f\u001f')).toBe('"\\\\u001f\\u001F"')
  })

  it('writes a map with keys that are not strings as pairs', () => {
    const schema = mapOf(primitive('INT32'), primitive('STRING'))
    expect(
      written(
        schema,
        new Map([
          [1, 'a'],
          [2, 'b'],
        ]),
      ),
    ).toBe('[[1,"a"],[2,"b"]]')
    expect(
      written(
        null,
        new Map<ConnectValue, ConnectValue>([
          [1, 'a'],
          ['x', null],
        ]),
      ),
    ).toBe('[[1,"a"],["x",null]]')
    expect(written(null, new Map([['x', NaN]]))).toBe('{"x":"NaN"}')
  })

  it('replaces null by the default of the schema, or not', () => {
    const schema = primitive('INT32', { optional: true, defaultValue: 5 })
    expect(written(schema, null)).toBe('5')
    expect(written(schema, null, { 'replace.null.with.default': false })).toBe('null')
  })

  it('makes a tombstone only of a null without schema', () => {
    expect(converter().fromConnect('t', null, null)).toBeNull()
    expect(written(primitive('STRING', { optional: true }), null)).toBe('null')
    expect(
      converter()
        .fromConnect('t', primitive('STRING', { optional: true }), null)
        ?.toString(),
    ).toBe('{"schema":{"type":"string","optional":true},"payload":null}')
    expect(converter().fromConnect('t', null, { a: 1 })?.toString()).toBe('{"schema":null,"payload":{"a":1}}')
  })

  it('names the field that does not fit', () => {
    const schema = struct([['row', struct([['id', primitive('INT32')]])]])
    expect(() => written(schema, [[null]])).toThrow(
      'Conversion error: null value for field that is required and has no default value: "row.id"',
    )
    expect(() => written(schema, [['x']])).toThrow('Invalid type for INT32: "row.id": string')
    expect(() => written(schema, [[1.5]])).toThrow(DataError)
  })
})

describe('JsonConverter reading', () => {
  it('gives the same schema object for equal envelopes', () => {
    const json = converter()
    const one = json.toConnect('t', Buffer.from('{"schema":{"type":"int64","optional":false},"payload":1}'))
    const two = json.toConnect('t', Buffer.from('{"schema":{"type":"int64","optional":false},"payload":2}'))
    const spaced = json.toConnect('u', Buffer.from('{ "payload": 3, "schema": {"type":"int64", "optional":false}}'))
    expect([one.value, two.value, spaced.value]).toEqual([1, 2, 3])
    expect(two.schema).toBe(one.schema)
    expect(spaced.schema).toBe(one.schema)
  })

  it('keeps knowing schemas when the cache is smaller than their number', () => {
    const json = converter({ 'schemas.cache.size': 1 })
    for (let i = 0; i < 20; i += 1) {
      const text = `{"schema":{"type":"struct","fields":[{"type":"int32","field":"f${i % 3}"}]},"payload":{"f${i % 3}":${i}}}`
      expect(json.toConnect('t', Buffer.from(text)).value).toEqual([i])
    }
  })

  it('keeps no more schemas than its cache has room for, in all topics together', async () => {
    const json = converter({ 'schemas.cache.size': 4 })
    const found: WeakRef<Schema>[] = []
    for (let i = 0; i < 42; i += 1) {
      const text = `{"schema":{"type":"struct","fields":[{"type":"int32","field":"f${i % 7}"}]},"payload":{"f${i % 7}":${i}}}`
      const { schema, value } = json.toConnect(`t${Math.floor(i / 7)}`, Buffer.from(text))
      expect(value).toEqual([i])
      if (schema !== null) found.push(new WeakRef(schema))
    }
    expect(await keptObjects(found, 4)).toBe(4)
  })

  it('keeps every digit (I11)', () => {
    expect(
      read('{"a":[1,9223372036854775807,-12345678901234567890123],"b":9007199254740991}', noSchemas).value,
    ).toEqual({
      a: [1, 9223372036854775807n, -12345678901234567890123n],
      b: 9007199254740991,
    })
    expect(read('9223372036854775807', noSchemas).value).toBe(9223372036854775807n)
    const envelope = `{"schema":{"type":"bytes","name":"org.apache.kafka.connect.data.Decimal","parameters":{"scale":"9"}},"payload":12345678901234567890.123456789}`
    const json = converter()
    expect(json.toConnect('t', Buffer.from(envelope)).value).toBe('12345678901234567890.123456789')
    expect(json.toConnect('t', Buffer.from(envelope)).value).toBe('12345678901234567890.123456789')
  })

  it('is not deceived by digits inside a string', () => {
    const value = { a: 'x:12345678901234567890,y', b: 12345678901234567890n, c: '\u0080' }
    expect(read('{"a":"x:12345678901234567890,y","b":12345678901234567890,"c":"\u0080"}', noSchemas).value).toEqual(
      value,
    )
    expect(read('{"a":"x:12345678901234567890,y","b":12345678901234567890,"c":"\\u0080"}', noSchemas).value).toEqual(
      value,
    )
  })

  it('gives a schemaless value back as it was written', () => {
    const json = converter(noSchemas)
    const text = '{"b":1.0,"10":2,"n":12345678901234567890}'
    const { schema, value } = json.toConnect('t', Buffer.from(text))
    expect(json.fromConnect('t', schema, value)?.toString()).toBe(text)
    const copy = { ...(value as object), c: true }
    expect(json.fromConnect('t', null, copy)?.toString()).toBe('{"10":2,"b":1,"n":12345678901234567890,"c":true}')
    const pretty = json.toConnect('t', Buffer.from('{\n "a": 1\n}')).value
    expect(json.fromConnect('t', null, pretty)?.toString()).toBe('{"a":1}')
  })

  it('accepts leading zeros', () => {
    expect(read('{"a":007,"b":"007","c":-00.5,"d":100}', noSchemas).value).toEqual({ a: 7, b: '007', c: -0.5, d: 100 })
  })

  it('fills missing members with null or the default', () => {
    const schema =
      '{"type":"struct","fields":[{"type":"string","optional":true,"field":"a"},{"type":"int32","optional":true,"default":5,"field":"b"}]}'
    expect(read(`{"schema":${schema},"payload":{}}`).value).toEqual([null, 5])
    expect(read(`{"schema":${schema},"payload":{}}`, { 'replace.null.with.default': false }).value).toEqual([
      null,
      null,
    ])
    expect(read('{"schema":{"type":"string","optional":true},"payload":null}').value).toBeNull()
  })

  it('finds no member that all objects inherit', () => {
    const names = ['constructor', 'toString', '__proto__', 'hasOwnProperty']
    const fields = names.map((name) => `{"type":"string","optional":true,"field":"${name}"}`).join(',')
    const message = (payload: string) => `{"schema":{"type":"struct","fields":[${fields}]},"payload":${payload}}`
    expect(read(message('{}')).value).toEqual([null, null, null, null])
    expect(read(message('{"__proto__":"p","constructor":"c"}')).value).toEqual(['c', null, 'p', null])
  })

  it('reads maps in both of their forms', () => {
    const keys = (type: string) =>
      `{"schema":{"type":"map","keys":{"type":"${type}"},"values":{"type":"double"}},"payload":`
    expect(read(`${keys('string')}{"a":1.5,"b":"NaN"}}`).value).toEqual(
      new Map([
        ['a', 1.5],
        ['b', NaN],
      ]),
    )
    expect(read(`${keys('int32')}[[1,1.5]]}`).value).toEqual(new Map([[1, 1.5]]))
  })

  it('takes no bytes as a tombstone', () => {
    expect(converter().toConnect('t', null)).toEqual({ schema: null, value: null })
    expect(read('{"schema":null,"payload":{"a":1}}')).toEqual({ schema: null, value: { a: 1 } })
  })

  it.each([
    ['{"a":1}', 'JsonConverter with schemas.enable requires "schema" and "payload" fields'],
    ['{"schema":{"type":"int32"},"payload":1,"x":2}', 'may not contain additional fields'],
    [
      '{"schema":{"type":"int32"},"payload":1}}',
      'Converting byte[] to Kafka Connect data failed due to serialization error',
    ],
    ['{"schema":{"type":"int33"},"payload":1}', 'Unknown schema type: int33'],
    ['{"schema":{"type":"int32"},"payload":"1"}', 'Invalid JSON for INT32: found string'],
    ['{"schema":{"type":"int32"},"payload":null}', 'Invalid null value for required INT32 field'],
    ['{"schema":{"type":"array"},"payload":[]}', 'Array schema did not specify the element type'],
    ['{"schema":{"type":"struct","fields":[{"type":"int32"}]},"payload":{}}', 'field name not specified properly'],
    ['nonsense', 'serialization error'],
  ])('refuses %s', (text, message) => {
    const json = converter()
    for (let attempt = 0; attempt < 2; attempt += 1) {
      expect(() => json.toConnect('t', Buffer.from(text))).toThrow(DataError)
      expect(() => json.toConnect('t', Buffer.from(text))).toThrow(message)
    }
  })

  it('rejects a trailing member even if the schema is cached', () => {
    const json = converter()
    json.toConnect('t', Buffer.from('{"schema":{"type":"int32"},"payload":1}'))
    expect(() => json.toConnect('t', Buffer.from('{"schema":{"type":"int32"},"payload":1,"x":2}'))).toThrow(DataError)
    expect(() => json.toConnect('t', Buffer.from('{"schema":{"type":"int32"},"payload":1'))).toThrow(DataError)
  })

  it.each([
    ['a byte that is none', [0xff]],
    ['half a character', [0xc3]],
    ['half a surrogate pair', [0xed, 0xa0, 0x80]],
    ['a longer form than is needed', [0xc0, 0xaf]],
  ])('refuses %s rather than to read other text than was written', (_, bytes) => {
    const bad = (before: string, after: string) =>
      Buffer.concat([Buffer.from(before), Buffer.from(bytes), Buffer.from(after)])
    const plain = converter({ 'schemas.enable': false })
    expect(() => plain.toConnect('t', bad('{"a":"', '"}'))).toThrow(DataError)
    expect(() => plain.toConnect('t', bad('{"', '":1}'))).toThrow('serialization error: the bytes are not UTF-8')
    const json = converter()
    const [start, end] = ['{"schema":{"type":"string"},"payload":"', '"}']
    for (const known of [false, true]) {
      if (known) expect(json.toConnect('t', Buffer.from(`${start}ü${end}`)).value).toBe('ü')
      expect(() => json.toConnect('t', bad(start, end))).toThrow('the bytes are not UTF-8')
    }
  })

  it('has one schema object for all messages with schema.content, and writes as without it', () => {
    const json = converter({ 'schema.content': '{"type":"struct","fields":[{"type":"int32","field":"a"}]}' })
    const one = json.toConnect('t', Buffer.from('{"a":1}'))
    expect(one.value).toEqual([1])
    expect(json.toConnect('u', Buffer.from('{"a":2}')).schema).toBe(one.schema)
    expect(json.fromConnect('t', null, { a: 1 })?.toString()).toBe('{"schema":null,"payload":{"a":1}}')
  })

  it('names schema.content that is no schema in the validation, whether it is used or not', () => {
    const problem = (text: string | null) => plugin.configDef['schema.content']?.validator?.('schema.content', text)
    expect(problem(null)).toBeNull()
    expect(problem('')).toBeNull()
    expect(problem('{"type":"string"}')).toBeNull()
    expect(problem('{"type":"strin"}')).toBe('Failed to parse schema in converter config: Unknown schema type: strin')
    expect(problem('{"type":')).toMatch(/^Failed to parse schema in converter config: .*JSON/)
  })

  it('serves as a header converter', () => {
    const json = headerPlugin.create({ ...defaults, 'schemas.enable': false }, {})
    expect(json.fromConnectHeader('t', 'h', primitive('INT64'), 5)?.toString()).toBe('5')
    expect(json.toConnectHeader('t', 'h', Buffer.from('5')).value).toBe(5)
  })
})

const noSchemas = { 'schemas.enable': false }
