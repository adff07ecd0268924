import {
  arrayOf,
  DataError,
  Logical,
  mapOf,
  plainJson,
  primitive,
  struct,
  type ConnectValue,
  type RawConfig,
  type Schema,
} from 'penstock/api'
import { describe, expect, it } from 'vitest'

import { connectOfAvro } from '../../../src/avro/schema/connect-of-avro.ts'
import { parseAvro } from '../../../src/avro/parse-avro.ts'
import { avroOptionsOf } from '../../support/registry/avro-converters.ts'

function connect(json: unknown, config: RawConfig = {}, version: number | null = null): Schema {
  const avro = parseAvro({ text: JSON.stringify(json), references: [] })
  return connectOfAvro(avro, avroOptionsOf(config), version)
}

const record = (fields: readonly unknown[], more: object = {}) => ({ type: 'record', name: 'R', fields, ...more })

describe('the Connect schema of an Avro schema', () => {
  it.each<[string, unknown, Schema]>([
    ['boolean', 'boolean', primitive('BOOLEAN')],
    ['int', 'int', primitive('INT32')],
    ['int8', { type: 'int', 'connect.type': 'int8' }, primitive('INT8')],
    ['int16', { type: 'int', 'connect.type': 'int16' }, primitive('INT16')],
    ['long', 'long', primitive('INT64')],
    ['float', 'float', primitive('FLOAT32')],
    ['double', 'double', primitive('FLOAT64')],
    [
      'string',
      { type: 'string', 'avro.java.string': 'String' },
      primitive('STRING', { parameters: { 'avro.java.string': 'String' } }),
    ],
    ['bytes', 'bytes', primitive('BYTES')],
    ['date', { type: 'int', logicalType: 'date' }, primitive('INT32', { name: Logical.date, version: 1 })],
    [
      'time-millis',
      { type: 'int', logicalType: 'time-millis' },
      primitive('INT32', { name: Logical.time, version: 1 }),
    ],
    [
      'timestamp-millis',
      { type: 'long', logicalType: 'timestamp-millis' },
      primitive('INT64', { name: Logical.timestamp, version: 1 }),
    ],
    [
      'timestamp-micros, which Connect does not know',
      { type: 'long', logicalType: 'timestamp-micros' },
      primitive('INT64'),
    ],
    [
      'decimal',
      { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 },
      primitive('BYTES', {
        name: Logical.decimal,
        version: 1,
        parameters: { scale: '2', 'connect.decimal.precision': '9' },
      }),
    ],
    [
      'fixed',
      { type: 'fixed', name: 'n.F', size: 3 },
      primitive('BYTES', { name: 'n.F', parameters: { 'connect.fixed.size': '3' } }),
    ],
    [
      'decimal in a fixed',
      { type: 'fixed', name: 'n.F', size: 3, logicalType: 'decimal', precision: 64, scale: 1 },
      primitive('BYTES', { name: Logical.decimal, version: 1, parameters: { scale: '1', 'connect.fixed.size': '3' } }),
    ],
    ['array', { type: 'array', items: ['null', 'int'] }, arrayOf(primitive('INT32', { optional: true }))],
    ['map', { type: 'map', values: 'int' }, mapOf(primitive('STRING'), primitive('INT32'))],
    [
      'entries of a map',
      {
        type: 'array',
        items: {
          type: 'record',
          name: 'io.confluent.connect.avro.MapEntry',
          fields: [
            { name: 'key', type: 'int' },
            { name: 'value', type: 'string' },
          ],
        },
      },
      mapOf(primitive('INT32'), primitive('STRING')),
    ],
    ['null and a type', ['null', 'string'], primitive('STRING', { optional: true })],
    [
      'a union',
      ['null', 'int', 'string'],
      struct(
        [
          ['int', primitive('INT32', { optional: true })],
          ['string', primitive('STRING', { optional: true })],
        ],
        { name: 'io.confluent.connect.avro.Union', optional: true },
      ),
    ],
    [
      'enum',
      { type: 'enum', name: 'n.E', symbols: ['A', 'B'], default: 'A', doc: 'of E' },
      primitive('STRING', {
        name: 'n.E',
        parameters: {
          'io.confluent.connect.avro.enum.doc.E': 'of E',
          'io.confluent.connect.avro.enum.default.E': 'A',
          'io.confluent.connect.avro.Enum': 'n.E',
          'io.confluent.connect.avro.Enum.A': 'A',
          'io.confluent.connect.avro.Enum.B': 'B',
        },
      }),
    ],
    [
      'attributes of Connect',
      {
        type: 'long',
        'connect.name': 'io.debezium.time.MicroTimestamp',
        'connect.version': 1,
        'connect.doc': 'when',
        'connect.parameters': { p: 'q' },
        'connect.default': 9007199254740991,
      },
      primitive('INT64', {
        name: 'io.debezium.time.MicroTimestamp',
        version: 1,
        doc: 'when',
        parameters: { p: 'q' },
        defaultValue: 9007199254740991,
      }),
    ],
  ])('%s', (_what, avro, expected) => {
    expect(connect(avro)).toEqual(expected)
  })

  it('has the default of a field, and notes that it is one', () => {
    const schema = connect(
      record([{ name: 'a', type: 'int', default: 7, doc: 'of a' }], { namespace: 'n', doc: 'of R' }),
    )
    const flag = { 'io.confluent.connect.avro.field.default': 'true' }
    const parameters = {
      'io.confluent.connect.avro.record.doc': 'of R',
      'io.confluent.connect.avro.field.doc.a': 'of a',
    }
    expect(schema).toEqual(
      struct([['a', primitive('INT32', { defaultValue: 7, parameters: flag })]], { name: 'n.R', parameters }),
    )
    const without = connect(record([{ name: 'a', type: 'int', default: 7, doc: 'of a' }], { doc: 'of R' }), {
      'discard.type.doc.default': 'true',
    })
    expect(without.fields[0]?.schema).toEqual(primitive('INT32', { defaultValue: 7, doc: 'of a' }))
    expect(without.doc).toBe('of R')
  })

  it.each<[string, unknown, unknown, unknown]>([
    ['long', 'long', 9223372036854775807n, 9223372036854775807n],
    ['double', 'double', 'NaN', Number.NaN],
    ['bytes', 'bytes', '\u0000ÿ', Buffer.from([0, 255])],
    ['decimal', { type: 'bytes', logicalType: 'decimal', scale: 1, precision: 64 }, 'ÿ', '-0.1'],
    ['array', { type: 'array', items: 'int' }, [1], [1]],
    ['map', { type: 'map', values: 'int' }, { a: 1 }, new Map([['a', 1]])],
    ['record', { type: 'record', name: 'S', fields: [{ name: 'x', type: 'int', default: 3 }] }, {}, [3]],
    ['union', ['int', 'string', 'null'], 5, [5, null]],
    ['what does not match', 'int', 'x', undefined],
  ])('reads the default of a field: %s', (_what, type, value, expected) => {
    const text = plainJson(record([{ name: 'a', type, default: value }]) as unknown as ConnectValue)
    const schema = connectOfAvro(parseAvro({ text, references: [] }), avroOptionsOf(), null)
    expect(schema.fields[0]?.schema.defaultValue).toEqual(expected)
  })

  it('contains itself where the Avro schema does', () => {
    const schema = connect(
      record(
        [
          { name: 'value', type: 'int' },
          { name: 'next', type: ['null', 'R'] },
        ],
        { doc: 'a list' },
      ),
    )
    const next = schema.fields[1]?.schema
    expect(next).toMatchObject({ type: 'STRUCT', name: 'R', optional: true, parameters: schema.parameters })
    expect(next?.fields).toBe(schema.fields)
  })

  it('has attributes that are numbers past 2^53', () => {
    const text = '{"type":"string","avro.ids":[9007199254740993],"avro.size":-9007199254740993}'
    const schema = connectOfAvro(parseAvro({ text, references: [] }), avroOptionsOf(), null)
    expect(schema.parameters).toEqual({ 'avro.ids': '[9007199254740993]', 'avro.size': '-9007199254740993' })
  })

  it('takes no object for the default of a number', () => {
    const field = { name: 'a', type: 'double', default: { text: '5' } }
    expect(connect(record([field])).fields[0]?.schema).toEqual(primitive('FLOAT64'))
  })

  it('is refused if it has too many parts, though its text is short', () => {
    let type: unknown = 'int'
    for (let i = 0; i < 18; i += 1) {
      const again = i === 0 ? 'int' : `R${i - 1}`
      const fields = [
        { name: 'a', type },
        { name: 'b', type: again },
      ]
      type = { type: 'record', name: `R${i}`, fields }
    }
    expect(() => connect(type)).toThrow(/more than 100000 parts/)
  })

  it('has the version of the registry, unless it has one of Connect', () => {
    expect(connect(record([]), {}, 4).version).toBe(4)
    expect(connect(record([], { 'connect.version': 2 }), {}, 4).version).toBe(2)
    expect(connect('int', {}, 4).version).toBe(4)
  })

  it('has only types, and no attributes of Connect, without connect.meta.data', () => {
    const json = { type: 'int', 'connect.doc': 'd', 'connect.parameters': { p: 'q' } }
    expect(connect(json, { 'connect.meta.data': 'false' })).toEqual(primitive('INT32'))
  })

  it('names the fields of unions by their types', () => {
    const union = ['int', { type: 'record', name: 'n.X', fields: [] }, { type: 'enum', name: 'm.X2', symbols: ['A'] }]
    const names = (config: RawConfig): readonly string[] => connect(union, config).fields.map(({ name }) => name)
    expect(names({})).toEqual(['int', 'X', 'X2'])
    expect(names({ 'enhanced.avro.schema.support': 'true' })).toEqual(['int', 'n.X', 'm.X2'])
    const fields = ['connect_union_field_0', 'connect_union_field_1', 'connect_union_field_2']
    expect(names({ 'generalized.sum.type.support': 'true' })).toEqual(fields)
    const general = connect(union, { 'generalized.sum.type.support': 'true' })
    expect(general.parameters).toEqual({ 'org.apache.kafka.connect.data.Union': 'connect_union_0' })
    expect(general.fields[2]?.schema.parameters).toEqual({
      'org.apache.kafka.connect.data.Enum': 'm.X2',
      'org.apache.kafka.connect.data.Enum.A': '0',
    })
    const alike = [
      { type: 'record', name: 'a.X', fields: [] },
      { type: 'record', name: 'b.X', fields: [] },
    ]
    expect(() => connect(alike)).toThrow(/union field name "X".*enhanced\.avro\.schema\.support=true/)
    expect(connect(alike, { 'enhanced.avro.schema.support': 'true' }).fields).toHaveLength(2)
  })

  it('is the branch of a union with one, with flatten.singleton.unions', () => {
    expect(connect(['int'])).toMatchObject({ type: 'STRUCT', fields: [{ name: 'int' }] })
    expect(connect(['int'], { 'flatten.singleton.unions': 'true' })).toEqual(primitive('INT32'))
  })

  it.each<[string, unknown, RegExp]>([
    ['null alone', 'null', /Standalone null/],
    ['a scale that is no number', { type: 'bytes', logicalType: 'decimal', scale: 'x' }, /scale must be a number/],
    ['an unknown type of Connect', { type: 'int', 'connect.type': 'int7' }, /int7/],
    ['parameters that are no texts', { type: 'int', 'connect.parameters': { a: 1 } }, /"a" is not/],
    ['a version that is no number', { type: 'int', 'connect.version': 'x' }, /Invalid Connect version/],
    ['a name that is none', { type: 'int', 'connect.name': 1 }, /Invalid schema name/],
  ])('refuses %s', (_what, json, says) => {
    expect(() => connect(json)).toThrow(DataError)
    expect(() => connect(json)).toThrow(says)
  })
})

describe('the parser of Avro schemas', () => {
  it('takes names as Java does: without namespace, as JSON object, and those of JavaScript objects', () => {
    const schema = connect(
      record(
        [
          { name: 'constructor', type: { type: 'enum', name: 'toString', namespace: '', symbols: ['__proto__'] } },
          { name: '__proto__', type: 'toString' },
          { name: 'hasOwnProperty', type: { type: 'toString' } },
        ],
        { namespace: 'n' },
      ),
    )
    expect(schema.fields.map(({ name, schema: { type } }) => `${name} ${type}`)).toEqual([
      'constructor STRING',
      '__proto__ STRING',
      'hasOwnProperty STRING',
    ])
  })

  it.each([
    ['text that is not JSON', '{'],
    ['an unknown name', '"n.Unknown"'],
    [
      'a name twice',
      JSON.stringify(
        record([
          { name: 'a', type: 'int' },
          { name: 'a', type: 'int' },
        ]),
      ),
    ],
  ])('refuses %s', (_what, text) => {
    expect(() => parseAvro({ text, references: [] })).toThrow(/^AVRO_SCHEMA_INVALID/)
  })
})
