import { arrayOf, Logical, mapOf, primitive, struct, type ConnectValue, type Schema } from 'penstock/api'
import { describe, expect, it } from 'vitest'

import { plugin } from '../../../plugins/converters/simple-header-converter.ts'

const converter = plugin.create({}, {})
const written = (schema: Schema | null, value: ConnectValue) =>
  converter.fromConnectHeader('t', 'h', schema, value)?.toString()
const read = (text: string) => converter.toConnectHeader('t', 'h', Buffer.from(text))

describe('SimpleHeaderConverter', () => {
  it.each<[Schema | null, ConnectValue, string]>([
    [primitive('STRING'), 'a "b"', 'a "b"'],
    [primitive('INT64'), 9223372036854775807n, '9223372036854775807'],
    [primitive('FLOAT64'), 1, '1.0'],
    [primitive('BOOLEAN'), true, 'true'],
    [primitive('BYTES'), Buffer.from('x'), 'eA=='],
    [primitive('BYTES', { name: Logical.decimal, parameters: { scale: '2' } }), '1.50', '1.50'],
    [primitive('INT32', { name: Logical.date }), 19_723, '2024-01-01'],
    [primitive('INT32', { name: Logical.time }), 3_600_001, '01:00:00.001Z'],
    [primitive('INT64', { name: Logical.timestamp }), 1_700_000_000_000, '2023-11-14T22:13:20.000Z'],
    [arrayOf(primitive('STRING')), ['a', 'b\\"'], '["a","b\\\\\\""]'],
    [mapOf(primitive('STRING'), primitive('INT32')), new Map([['k', 1]]), '{"k":1}'],
    [null, { k: [1, null] }, '{"k":[1,null]}'],
    [arrayOf(primitive('BYTES')), [Buffer.from('x')], '["eA=="]'],
    [struct([['k', primitive('BYTES')]]), [Buffer.from('x')], '{"k":"eA=="}'],
    [struct([['k', primitive('BYTES', { name: Logical.decimal, parameters: { scale: '1' } })]]), ['1.5'], '{"k":1.5}'],
    [primitive('INT32', { name: Logical.date }), -735_160, '-000043-03-15'],
    [primitive('INT32', { name: Logical.date }), 3_789_637, '+012345-09-04'],
    // Postgres holds dates and infinities that no ISO text of a Date reaches.
    [primitive('INT32', { name: Logical.date }), -2_147_472_691, '-2147472691'],
    [
      struct([['k', primitive('INT64', { name: Logical.timestamp })]]),
      [9_223_372_036_825_200],
      '{"k":9223372036825200}',
    ],
  ])('writes %s %s as %s', (schema, value, text) => {
    expect(written(schema, value)).toBe(text)
  })

  it.each<[string, string | null, ConnectValue]>([
    ['hello', 'STRING', 'hello'],
    ['"quoted"', 'STRING', '"quoted"'],
    ['', 'STRING', ''],
    ['null', null, null],
    ['true', 'BOOLEAN', true],
    ['123', 'INT8', 123],
    ['1.0', 'INT8', 1],
    ['-129', 'INT16', -129],
    ['70000', 'INT32', 70_000],
    ['1e5', 'INT32', 100_000],
    ['9223372036854775807', 'INT64', 9223372036854775807n],
    ['9223372036854775808', 'BYTES', '9223372036854775808'],
    ['1.5', 'FLOAT32', 1.5],
    ['0.1', 'FLOAT32', 0.1],
    ['3.141592653589793', 'FLOAT64', Math.PI],
    ['3.14159265358979323846', 'BYTES', '3.14159265358979323846'],
    ['2024-01-01', 'INT32', 19_723],
    ['2024-02-31', 'STRING', '2024-02-31'],
    ['01:00:00.001Z', 'INT32', 3_600_001],
    ['2023-11-14T22:13:20.000Z', 'INT64', 1_700_000_000_000],
    ['[1, 300]', 'ARRAY', [1, 300]],
    ['["a","b:\\""]', 'ARRAY', ['a', 'b:"']],
    ['[]', null, []],
    ['[1,"a"]', null, [1, 'a']],
    [
      '{"k":1,"l":2}',
      'MAP',
      new Map([
        ['k', 1],
        ['l', 2],
      ]),
    ],
    ['{"at":2023-11-14T22:13:20.000Z}', 'MAP', new Map([['at', 1_700_000_000_000]])],
    ['[1,', 'STRING', '[1,'],
    ['{a}', 'STRING', '{a}'],
    ['[1] and more', 'STRING', '[1] and more'],
  ])('reads %s as %s', (text, type, value) => {
    const found = read(text)
    expect(found.value).toEqual(value)
    expect(found.schema?.type ?? null).toBe(type)
  })

  it('takes null as null', () => {
    expect(converter.fromConnectHeader('t', 'h', primitive('STRING', { optional: true }), null)).toBeNull()
    expect(converter.toConnectHeader('t', 'h', null)).toEqual({ schema: null, value: null })
  })

  it('writes a struct as Debezium shows the new key of a row', () => {
    const key = struct([
      ['b', primitive('STRING')],
      ['a', primitive('INT32')],
    ])
    expect(written(key, ['k2', 3])).toBe('{"b":"k2","a":3}')
  })

  it('takes text nested too deeply as text', () => {
    const text = `${'['.repeat(5000)}${']'.repeat(5000)}`
    expect(read(text).value).toBe(text)
  })
})
