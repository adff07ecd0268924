import fc from 'fast-check'
import {
  holdsDecimal,
  mapOf,
  jsonReader,
  parseJson,
  schemaToJson,
  struct,
  primitive,
  utf8,
  type ConnectValue,
  type JsonValue,
  type Schema,
} from 'penstock/api'
import { describe, expect, it } from 'vitest'

import { plugin } from '../../plugins/converters/json-converter.ts'
import { PayloadReader } from '../../plugins/converters/json/payload-reader.ts'
import { textOf } from '../../src/testing/data/value-fault.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { shape } from '../support/testing/json-shapes.ts'
import { mutatedJson } from '../support/testing/mutated-json.ts'

const sample = shape.chain((s) => s.values.map((value) => ({ schema: s.schema, value })))

function payloadOf(schema: Schema, value: ConnectValue, format: 'BASE64' | 'NUMERIC'): Buffer {
  const config = {
    'schemas.enable': false,
    'schemas.cache.size': 100,
    'schema.content': null,
    'decimal.format': format,
    'replace.null.with.default': true,
  }
  return Buffer.from(plugin.create(config, {}, false).fromConnect('t', schema, value) ?? 'null')
}

/** What the reader of parsed JSON reads; undefined if it refuses. */
function parsedValue(schema: Schema, bytes: Buffer): ConnectValue | undefined {
  try {
    return jsonReader(schema, { replaceNullWithDefault: true })(parseJson(utf8(bytes), holdsDecimal(schema)))
  } catch {
    return undefined
  }
}

const directValue = (schema: Schema, bytes: Buffer): ConnectValue | undefined =>
  new PayloadReader(schema, { replaceNullWithDefault: true }).read(bytes, 0, bytes.length)

describe('payloads that are read from their bytes (I11)', () => {
  it.each(['BASE64', 'NUMERIC'] as const)(
    'are the values of the parsed text, or are left to it, also with changed bytes; decimals as %s',
    (format) => {
      const random = seededRandom(20_261_130)
      let read = 0
      let all = 0
      fc.assert(
        fc.property(sample, ({ schema, value }) => {
          const bytes = payloadOf(schema, value, format)
          const direct = directValue(schema, bytes)
          all += 1
          if (direct !== undefined) {
            read += 1
            expect(textOf(direct)).toBe(textOf(value))
          }
          for (let i = 0; i < 60; i += 1) {
            const changed = Buffer.from(utf8(mutatedJson(bytes, random)))
            const result = directValue(schema, changed)
            if (result !== undefined)
              expect(textOf(result), changed.toString()).toBe(textOf(parsedValue(schema, changed)))
          }
        }),
        { numRuns: 300, seed: 20_261_130 },
      )
      // Left are long decimals, NaN, and names that begin with a digit.
      expect(read / all).toBeGreaterThan(0.5)
    },
  )

  const tokens = [
    ...'0 -0 00 01 - +1 1. .5 1.0 0.10 1e2 1E+2 1e-2 1e 1e400 -1e-400 127 128 -128 -129 32768 2147483647'.split(' '),
    ...'2147483648 -2147483648 -2147483649 999999999999999 8999999999999999 9007199254740991'.split(' '),
    ...'9007199254740992 9007199254740993 -9007199254740993 9223372036854775807 9223372036854775808'.split(' '),
    ...'-9223372036854775808 -9223372036854775809 99999999999999999999 0.1 0.30000000000000004'.split(' '),
    ...'1.7976931348623157e308 123456789012345.678 0.000000000000000001 NaN "NaN" "1" null nul nullx'.split(' '),
    ...'true true1 {} [] "" "a 1, [1] "\\u0041" "\\x" "\\ud800"'.split(' '),
    ' 1',
    '1 ',
    '"\t"',
    '"Zürich 😀"',
  ]
  const schemas = [
    ...(['INT8', 'INT16', 'INT32', 'INT64', 'FLOAT32', 'FLOAT64', 'BOOLEAN', 'STRING', 'BYTES'] as const).map((type) =>
      primitive(type, { optional: true }),
    ),
    ...['0', '2', '-1', '18', 'x'].map((scale) =>
      primitive('BYTES', { name: 'org.apache.kafka.connect.data.Decimal', parameters: { scale } }),
    ),
    primitive('INT32', { defaultValue: 7 }),
    primitive('STRING'),
  ]

  it('are so for every kind of token and type', () => {
    for (const schema of schemas)
      for (const token of tokens) {
        const bytes = Buffer.from(token)
        const direct = directValue(schema, bytes)
        const text = `${schema.type} ${schemaToJson(schema, { decimalFormat: 'BASE64', replaceNullWithDefault: true })} ${token}`
        if (direct !== undefined) expect(textOf(direct), text).toBe(textOf(parsedValue(schema, bytes)))
      }
  })

  it('are not read if a map has names that a parsed object has in another order', () => {
    const schema = mapOf(primitive('STRING'), primitive('INT32'))
    expect(directValue(schema, Buffer.from('{"b":1,"a1":2,"":3,"__proto__":4}'))).toEqual(
      new Map(Object.entries({ b: 1, a1: 2, '': 3, ['__proto__']: 4 })),
    )
    for (const text of [
      '{"b":1,"2":2}',
      '{"10":1,"9":2}',
      '{"b":1,"a":"2"}',
      '{"b":1,}',
      '{b:1}',
      '{"b":null}',
      '{"b" :1}',
    ])
      expect(directValue(schema, Buffer.from(text)), text).toBeUndefined()
  })

  it('are tried once in a hundred messages when a hundred had another layout', () => {
    const schema = struct([['a', primitive('INT32')]])
    const reader = new PayloadReader(schema, { replaceNullWithDefault: true })
    const read = (text: string): ConnectValue | undefined => reader.read(Buffer.from(text), 0, text.length)
    for (let i = 0; i < 100; i += 1) expect(read('{ "a":1}')).toBeUndefined()
    const results = Array.from({ length: 102 }, () => read('{"a":1}'))
    expect(results[0]).toEqual([1])
    for (let i = 0; i < 100; i += 1) read('{ "a":1}')
    expect([read('{ "a":1}'), read('{"a":1}')]).toEqual([undefined, undefined])
  })

  it('are not read if a schema names a field twice, or has another order', () => {
    const twice = { ...struct([['a', primitive('INT32')]]) }
    const [field] = twice.fields
    if (field === undefined) throw new RangeError('no field')
    const schema = { ...twice, fields: [field, { ...field, index: 1 }] }
    expect(directValue(schema, Buffer.from('{"a":1,"a":2}'))).toBeUndefined()
    const pair = struct([
      ['a', primitive('INT32')],
      ['b', primitive('INT32')],
    ])
    expect(directValue(pair, Buffer.from('{"a":1,"b":2}'))).toEqual([1, 2])
    for (const text of [
      '{"b":2,"a":1}',
      '{"a":1}',
      '{"a":1,"b":2,"c":3}',
      '{"a":1, "b":2}',
      '{"a":1,"b":2}x',
      '{"a":1,"b":2',
    ])
      expect(directValue(pair, Buffer.from(text)), text).toBeUndefined()
  })
})

describe('JSON with numbers that a double does not hold', () => {
  const digits = fc.stringMatching(/^-?[1-9][0-9]{13,21}$/)
  const fraction = fc.stringMatching(/^-?[1-9][0-9]{0,18}\.[0-9]{1,18}(?:[eE][+-]?[0-9]{1,2})?$/)
  const space = fc.constantFrom('', '', '', ' ', '\n', '\t ')
  const name = fc.constantFrom('a', 'ts_ns', '__proto__', 'constructor', '0', 'x:12345678901234567,')
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('[12345678901234567]', ',-9999999999999999 ', '\u0080'),
  )
  const { document } = fc.letrec<{ document: string }>((tie) => ({
    document: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      digits,
      fraction,
      fc.constantFrom('1', '0', 'null', 'true', '9007199254740992', '9007199254740993', '0.9999999999999999'),
      text.map((value) => JSON.stringify(value)),
      fc
        .array(fc.tuple(space, tie('document'), space), { maxLength: 4 })
        .map((items) => `[${items.map((item) => item.join('')).join(',')}]`),
      fc
        .array(fc.tuple(space, name, space, tie('document'), space), { maxLength: 5 })
        .map(
          (members) =>
            `{${members.map(([a, key, b, value, c]) => `${a}${JSON.stringify(key)}:${b}${value}${c}`).join(',')}}`,
        ),
    ),
  }))

  const isLong = (number: string): boolean => number.replace('-', '').length >= 16

  /** The same by what `JSON.parse` gives the source of each number. */
  function bySource(source: string, exact: boolean): unknown {
    const parse = JSON.parse as (
      given: string,
      reviver: (key: string, value: unknown, context: { source?: string }) => unknown,
    ) => unknown
    return parse(source, (_key, value, context) => {
      if (typeof value !== 'number' || Number.isSafeInteger(value)) return value
      const given = context.source ?? ''
      if (/^-?\d+$/.test(given)) return BigInt(given)
      return exact && isLong(given) ? `exactly ${given}` : value
    })
  }
  const comparable = (value: JsonValue): unknown => {
    if (typeof value !== 'object' || value === null) return value
    if (Array.isArray(value)) return value.map((item: JsonValue) => comparable(item))
    // What it keeps exactly without need is the same number.
    if (Object.getPrototypeOf(value) !== Object.prototype) {
      const given = String(Reflect.get(value, 'text'))
      return isLong(given) ? `exactly ${given}` : Number(given)
    }
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, comparable(item as JsonValue)]))
  }

  it.each([false, true])(
    'is parsed with all digits, also after other texts with and without them; exact fractions: %s',
    (exact) => {
      fc.assert(
        fc.property(fc.array(document, { minLength: 1, maxLength: 3 }), (texts) => {
          for (const given of [...texts, ...texts, ...texts.toReversed()])
            expect(comparable(parseJson(given, exact)), given).toEqual(comparable(bySource(given, exact) as JsonValue))
        }),
        { numRuns: 2000, seed: 20_261_130 },
      )
    },
  )
})
