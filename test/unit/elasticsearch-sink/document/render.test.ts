import { arrayOf, Logical, mapOf, primitive, struct, type ConnectValue, type Schema } from 'penstock/api'
import { describe, expect, it } from 'vitest'
import { jsonOf, parseExact } from '../../../../connectors/elasticsearch-sink/document/json-text.ts'
import { mappingOf, propertiesOf } from '../../../../connectors/elasticsearch-sink/indices/mapping.ts'
import { compileRenderer } from '../../../../connectors/elasticsearch-sink/document/render.ts'

const exact = { exact: true, compactMaps: true, onInfinity: (_field: string): void => {} }
const raw = { ...exact, exact: false }
const named = (type: 'INT32' | 'INT64' | 'STRING' | 'BYTES', name: string): Schema =>
  primitive(type, { name, optional: true })
const render = (schema: Schema, value: ConnectValue, options = exact): string => compileRenderer(schema, options)(value)

describe('values with a schema', () => {
  it('keep every digit of integers and decimals', () => {
    expect(render(primitive('INT64'), 9_223_372_036_854_775_807n)).toBe('9223372036854775807')
    const decimal = primitive('BYTES', { name: Logical.decimal, parameters: { scale: '2' } })
    expect(render(decimal, '12345678901234567890.10')).toBe('"12345678901234567890.10"')
    expect(render(decimal, '-0.50')).toBe('"-0.50"')
    expect(render(decimal, '12.50', raw)).toBe('12.5')
  })

  it('write a decimal of varying scale as its number', () => {
    const schema = struct(
      [
        ['scale', primitive('INT32')],
        ['value', primitive('BYTES')],
      ],
      { name: 'io.debezium.data.VariableScaleDecimal' },
    )
    expect(render(schema, [3, Buffer.from([0xff, 0x85])])).toBe('"-0.123"')
    expect(render(schema, [0, Buffer.from([0x01, 0x00])])).toBe('"256"')
    expect(render(schema, [-2, Buffer.from([0x05])])).toBe('"500"')
  })

  it.each<[Schema, ConnectValue, string]>([
    [named('INT32', 'io.debezium.time.Date'), 19_753, '2024-01-31'],
    [named('INT32', 'io.debezium.time.Date'), -719_529, '-000001-12-31'],
    [named('INT32', Logical.date), 0, '1970-01-01'],
    [named('INT64', 'io.debezium.time.MicroTime'), 37_230_500_000, '10:20:30.500'],
    [named('INT64', 'io.debezium.time.NanoTime'), 86_399_999_999_999n, '23:59:59.999999999'],
    [named('INT64', 'io.debezium.time.Timestamp'), 1_700_000_000_123, '2023-11-14T22:13:20.123Z'],
    [named('INT64', 'io.debezium.time.MicroTimestamp'), -1, '1969-12-31T23:59:59.999999Z'],
    [named('INT64', 'io.debezium.time.MicroTimestamp'), 1_700_000_000_000_000, '2023-11-14T22:13:20Z'],
    [named('INT64', 'io.debezium.time.NanoTimestamp'), 1_700_000_000_123_456_789n, '2023-11-14T22:13:20.123456789Z'],
    [named('INT64', 'io.debezium.time.MicroTimestamp'), 9_224_318_015_999_999_999n, '+294276-12-31T23:59:59.999999Z'],
    [named('STRING', 'io.debezium.time.ZonedTimestamp'), '2024-01-31T10:00:00.000000Z', '2024-01-31T10:00:00.000000Z'],
  ])('write temporals as ISO-8601: $0.name $1 is $2', (schema, value, text) => {
    expect(render(schema, value)).toBe(`"${text}"`)
  })

  it.each<[string, Schema, readonly ConnectValue[]]>([
    ['io.debezium.time.Date', named('INT32', 'io.debezium.time.Date'), [-2_147_472_692, -2_147_472_691]],
    ['Date of Connect', named('INT32', Logical.date), [-2_147_472_692, -2_147_472_691]],
    [
      'io.debezium.time.Timestamp',
      named('INT64', 'io.debezium.time.Timestamp'),
      [9_223_372_036_825_200n, -9_223_372_036_832_400n],
    ],
    ['Timestamp of Connect', named('INT64', Logical.timestamp), [9_223_372_036_825_200n, -9_223_372_036_832_400n]],
    [
      'io.debezium.time.MicroTimestamp',
      named('INT64', 'io.debezium.time.MicroTimestamp'),
      [9_223_372_036_825_200_000n, -9_223_372_036_832_400_000n],
    ],
    [
      'io.debezium.time.NanoTimestamp',
      named('INT64', 'io.debezium.time.NanoTimestamp'),
      [2n ** 63n - 1n, -(2n ** 63n)],
    ],
    ['io.debezium.time.ZonedTimestamp', named('STRING', 'io.debezium.time.ZonedTimestamp'), ['infinity', '-infinity']],
    ['io.debezium.time.IsoDate', named('STRING', 'io.debezium.time.IsoDate'), ['infinity', '-5877611-06-21Z']],
    ['io.debezium.time.IsoTimestamp', named('STRING', 'io.debezium.time.IsoTimestamp'), ['+294247-01-10T04:00:25.2Z']],
  ])('write the infinities of Postgres as null, by the name of their field: %s', (_name, schema, values) => {
    const fields: string[] = []
    const counting = { ...exact, onInfinity: (field: string) => void fields.push(field) }
    const table = struct([
      ['plain', schema],
      ['list', arrayOf(schema)],
      ['inner', struct([['until', schema]])],
    ])
    for (const value of values) {
      expect(render(table, [value, [value], [value]], counting)).toBe(
        '{"plain":null,"list":[null],"inner":{"until":null}}',
      )
      expect(render(schema, value, raw)).toBe(typeof value === 'string' ? `"${value}"` : String(value))
    }
    expect(fields).toEqual(values.flatMap(() => ['plain', 'list', 'inner.until']))
  })

  it.each<[Schema, ConnectValue, string]>([
    [named('INT32', 'io.debezium.time.Date'), -2_147_472_690, '-5877611-06-23'],
    [named('INT64', 'io.debezium.time.MicroTimestamp'), 9_223_372_036_825_200_001n, '+294247-01-10T04:00:25.200001Z'],
    [named('INT64', 'io.debezium.time.NanoTimestamp'), 2n ** 63n - 807n, '2262-04-11T23:47:16.854775001Z'],
  ])('write a value beside an infinity as the date that it is: $1', (schema, value, text) => {
    expect(render(schema, value)).toBe(`"${text}"`)
  })

  it('write dates and times as numbers with document.values=raw', () => {
    expect(render(named('INT64', 'io.debezium.time.Timestamp'), 5, raw)).toBe('5')
    expect(render(named('INT32', Logical.date), 19_753, raw)).toBe('19753')
  })

  it('write bytes as base64, floats that JSON lacks as strings, maps as objects or as entries', () => {
    expect(render(primitive('BYTES'), Buffer.from('hi'))).toBe('"aGk="')
    expect(render(primitive('FLOAT64'), Number.NaN)).toBe('"NaN"')
    const map = mapOf(primitive('STRING'), primitive('INT32'))
    expect(render(map, new Map([['a', 1]]))).toBe('{"a":1}')
    expect(render(map, new Map([['a', 1]]), { ...exact, compactMaps: false })).toBe('[{"key":"a","value":1}]')
    expect(render(arrayOf(primitive('STRING', { optional: true })), ['x', null])).toBe('["x",null]')
  })

  it('take the default of a required field that is null, and reject null without a default, naming the field', () => {
    expect(render(primitive('INT32', { defaultValue: 3 }), null)).toBe('3')
    expect(() => render(struct([['qty', primitive('INT32')]]), [null])).toThrow(/field 'qty': .*required.*null/)
  })
})

describe('values without a schema', () => {
  it('keep integers past 2^53, bytes and maps wherever they stand', () => {
    expect(jsonOf({ a: [9_007_199_254_740_993n, 'x'], b: { c: 1.5 } })).toBe(
      '{"a":[9007199254740993,"x"],"b":{"c":1.5}}',
    )
    expect(jsonOf({ a: Buffer.from('hi'), b: new Map([['k', 1n]]) })).toBe('{"a":"aGk=","b":{"k":1}}')
  })

  it('are parsed and written again digit by digit', () => {
    const text = '{"a":12345678901234567890.10,"b":[1.50,2],"c":"3.0"}'
    expect(JSON.stringify(parseExact(text))).toBe(text)
  })
})

describe('the mapping of a schema', () => {
  it('follows Confluent for plain types', () => {
    const row = struct([
      ['b', primitive('BOOLEAN')],
      ['i', primitive('INT32')],
      ['l', primitive('INT64')],
      ['s', primitive('STRING')],
      ['y', primitive('BYTES')],
    ])
    expect(propertiesOf(row, true)).toEqual({
      b: { type: 'boolean' },
      i: { type: 'integer' },
      l: { type: 'long' },
      s: { type: 'text', fields: { keyword: { type: 'keyword', ignore_above: 256 } } },
      y: { type: 'binary' },
    })
  })

  it('maps temporal types to dates, decimals to lenient doubles, UUIDs to keywords', () => {
    expect(mappingOf(named('INT64', 'io.debezium.time.MicroTimestamp'), true)).toEqual({
      type: 'date',
      ignore_malformed: true,
    })
    expect(mappingOf(named('BYTES', Logical.decimal), true)).toEqual({ type: 'double', ignore_malformed: true })
    expect(mappingOf(named('STRING', 'io.debezium.data.Uuid'), true)).toEqual({ type: 'keyword' })
    expect(mappingOf(named('INT64', 'io.debezium.time.MicroTimestamp'), false)).toEqual({ type: 'long' })
    expect(mappingOf(arrayOf(primitive('INT64')), true)).toEqual({ type: 'long' })
  })
})
