import { arrayOf, DataError, Logical, mapOf, primitive, struct, type Field, type Schema } from 'penstock/api'
import { describe, expect, it } from 'vitest'

import { avroOfConnect } from '../../../src/avro/schema/avro-of-connect.ts'
import { parseAvro } from '../../../src/avro/parse-avro.ts'
import { avroOptionsOf } from '../../support/registry/avro-converters.ts'

function json(schema: Schema, config = {}): unknown {
  const text = avroOfConnect(schema, avroOptionsOf(config))
  // Whatever is written can be read by avsc.
  parseAvro({ text, references: [] })
  return JSON.parse(text)
}

const decimal = (scale: string, more: Readonly<Record<string, string>> = {}): Schema =>
  primitive('BYTES', { name: Logical.decimal, version: 1, parameters: { scale, ...more } })

describe('the Avro schema of a Connect schema', () => {
  it.each<[string, Schema, unknown]>([
    ['INT8', primitive('INT8'), { type: 'int', 'connect.type': 'int8' }],
    ['INT16', primitive('INT16'), { type: 'int', 'connect.type': 'int16' }],
    ['INT32', primitive('INT32'), 'int'],
    ['INT64', primitive('INT64'), 'long'],
    ['FLOAT32', primitive('FLOAT32'), 'float'],
    ['FLOAT64', primitive('FLOAT64'), 'double'],
    ['BOOLEAN', primitive('BOOLEAN'), 'boolean'],
    ['STRING', primitive('STRING'), 'string'],
    ['BYTES', primitive('BYTES'), 'bytes'],
    ['optional', primitive('STRING', { optional: true }), ['null', 'string']],
    [
      'optional with a default',
      primitive('STRING', { optional: true, defaultValue: 'd' }),
      [{ type: 'string', 'connect.default': 'd' }, 'null'],
    ],
    ['ARRAY', arrayOf(primitive('INT32')), { type: 'array', items: 'int' }],
    ['MAP with string keys', mapOf(primitive('STRING'), primitive('INT32')), { type: 'map', values: 'int' }],
    [
      'a name, a version and documentation',
      primitive('INT64', { name: 'io.debezium.time.MicroTimestamp', version: 1, doc: 'when', parameters: { a: 'b' } }),
      {
        type: 'long',
        'connect.doc': 'when',
        'connect.version': 1,
        'connect.parameters': { a: 'b' },
        'connect.name': 'io.debezium.time.MicroTimestamp',
      },
    ],
    [
      'Decimal',
      decimal('2'),
      {
        type: 'bytes',
        scale: 2,
        precision: 64,
        'connect.version': 1,
        'connect.parameters': { scale: '2' },
        'connect.name': Logical.decimal,
        logicalType: 'decimal',
      },
    ],
    [
      'Decimal with a precision',
      decimal('2', { 'connect.decimal.precision': '5' }),
      {
        type: 'bytes',
        scale: 2,
        precision: 5,
        'connect.version': 1,
        'connect.parameters': { scale: '2', 'connect.decimal.precision': '5' },
        'connect.name': Logical.decimal,
        logicalType: 'decimal',
      },
    ],
    [
      'parameters for Avro',
      primitive('INT32', { parameters: { avro_x: 'y' } }),
      {
        type: 'int',
        'connect.parameters': { avro_x: 'y' },
        avro_x: 'y',
      },
    ],
  ])('%s', (_what, schema, expected) => {
    expect(JSON.stringify(json(schema))).toBe(JSON.stringify(expected))
  })

  it.each([
    ['INT32', Logical.date, 'date'],
    ['INT32', Logical.time, 'time-millis'],
    ['INT64', Logical.timestamp, 'timestamp-millis'],
  ] as const)('%s named %s is a %s', (type, name, logicalType) => {
    expect(json(primitive(type, { name, version: 1 }))).toMatchObject({ logicalType, 'connect.name': name })
  })

  it('has a record for a struct, with the namespace of its name', () => {
    const schema = struct([['a', primitive('INT64', { defaultValue: 7 })]], { name: 'com.shop.Order', version: 3 })
    expect(json(schema)).toEqual({
      type: 'record',
      name: 'Order',
      namespace: 'com.shop',
      fields: [{ name: 'a', type: { type: 'long', 'connect.default': 7 }, default: 7 }],
      'connect.version': 3,
      'connect.name': 'com.shop.Order',
    })
  })

  it('defines a type once, and names it where it is used again', () => {
    const row = struct([['id', primitive('INT64')]], { name: 's.t.Value', optional: true })
    const same = struct([['id', primitive('INT64')]], { name: 's.t.Value' })
    const schema = struct(
      [
        ['before', row],
        ['after', row],
        ['copy', same],
        ['other', struct([['x', same]], { name: 'u.Other' })],
      ],
      { name: 's.t.Envelope' },
    )
    const record = {
      type: 'record',
      name: 'Value',
      fields: [{ name: 'id', type: 'long' }],
      'connect.name': 's.t.Value',
    }
    expect(json(schema)).toMatchObject({
      fields: [
        { name: 'before', type: ['null', record], default: null },
        { name: 'after', type: ['null', 'Value'], default: null },
        { name: 'copy', type: 'Value' },
        { name: 'other', type: { namespace: 'u', fields: [{ type: 's.t.Value' }] } },
      ],
    })
  })

  it('refuses two types with one name', () => {
    const one = struct([['a', primitive('INT64')]], { name: 'n.X' })
    const other = struct([['b', primitive('INT64')]], { name: 'n.X' })
    const schema = struct([
      ['one', one],
      ['other', other],
    ])
    expect(() => json(schema)).toThrow(/^AVRO_NAME_TWICE: .*two different schemas have the name "n\.X"/)
  })

  it('numbers structs without a name, but not those that are equal', () => {
    const inner = (name: string): Schema => struct([[name, primitive('INT32')]])
    const schema = struct([
      ['a', inner('x')],
      ['b', inner('x')],
      ['c', inner('y')],
    ])
    expect(json(schema)).toMatchObject({
      name: 'ConnectDefault',
      namespace: 'io.confluent.connect.avro',
      fields: [
        { type: { name: 'ConnectDefault2' } },
        { type: 'ConnectDefault2' },
        { type: { name: 'ConnectDefault3' } },
      ],
    })
  })

  it('contains itself where the struct does', () => {
    const fields: Field[] = [{ name: 'value', index: 0, schema: primitive('INT32') }]
    const node: Schema = { ...struct([], { name: 'n.Node' }), fields }
    fields.push({ name: 'next', index: 1, schema: { ...node, optional: true } })
    expect(json(node)).toMatchObject({ name: 'Node', fields: [{}, { type: ['null', 'Node'], default: null }] })
  })

  it('is an array of entries for a map with other keys', () => {
    const entries = mapOf(primitive('INT32'), primitive('STRING', { optional: true }))
    expect(json(entries)).toEqual({
      type: 'array',
      items: {
        type: 'record',
        name: 'MapEntry',
        namespace: 'io.confluent.connect.avro',
        fields: [
          { name: 'key', type: 'int' },
          { name: 'value', type: ['null', 'string'], default: null },
        ],
      },
    })
    expect(json(mapOf(primitive('INT32'), primitive('INT32'), { name: 'n.M' }))).toMatchObject({
      items: { name: 'M', namespace: 'n', 'connect.internal.type': 'MapEntry' },
      'connect.name': 'n.M',
    })
    const optionalKeys = mapOf(primitive('STRING', { optional: true }), primitive('INT32'))
    expect(json(optionalKeys)).toMatchObject({ type: 'array' })
    expect(json(optionalKeys, { 'allow.optional.map.keys': 'true' })).toEqual({ type: 'map', values: 'int' })
  })

  it('names the entries of different maps differently, where Confluent fails', () => {
    const schema = struct(
      [
        ['a', mapOf(primitive('INT32'), primitive('INT32'))],
        ['b', mapOf(primitive('INT32'), primitive('STRING'))],
        ['c', mapOf(primitive('INT32'), primitive('INT32'))],
      ],
      { name: 'io.confluent.connect.avro.Maps' },
    )
    expect(json(schema)).toMatchObject({
      fields: [
        { type: { items: { name: 'MapEntry' } } },
        { type: { items: { name: 'MapEntry2', 'connect.internal.type': 'MapEntry' } } },
        { type: { items: 'MapEntry' } },
      ],
    })
  })

  it('leaves out a default that Avro does not accept, but keeps it for Connect', () => {
    const point = struct([['x', primitive('INT32', { optional: true })]], { name: 'n.P', defaultValue: [1] })
    const entries = mapOf(primitive('INT32'), primitive('INT32'), { defaultValue: new Map([[1, 2]]) })
    const fields = (
      json(
        struct(
          [
            ['p', point],
            ['m', entries],
          ],
          { name: 'n.S' },
        ),
      ) as { fields: object[] }
    ).fields
    expect(fields[0]).not.toHaveProperty('default')
    expect(fields[0]).toMatchObject({ type: { 'connect.default': { x: 1 } } })
    expect(fields[1]).not.toHaveProperty('default')
    expect(fields[1]).toMatchObject({ type: { 'connect.default': [[1, 2]] } })
  })

  it('writes defaults of every type as Java does', () => {
    const defaults = struct(
      [
        ['long', primitive('INT64', { defaultValue: 9223372036854775807n })],
        ['double', primitive('FLOAT64', { defaultValue: 1 })],
        ['nan', primitive('FLOAT64', { defaultValue: Number.NaN })],
        ['float', primitive('FLOAT32', { defaultValue: 0.1 })],
        ['bytes', primitive('BYTES', { defaultValue: Buffer.from([0, 255]) })],
        ['decimal', { ...decimal('1'), defaultValue: '-0.1' }],
        ['list', arrayOf(primitive('BOOLEAN'), { defaultValue: [true] })],
      ],
      { name: 'n.D' },
    )
    const text = avroOfConnect(defaults, avroOptionsOf({ 'connect.meta.data': 'false' }))
    const given = [...text.matchAll(/"default":((?:"[^"]*"|[^,}\]])+)/g)].map(([, value]) => value)
    expect(given).toEqual(['9223372036854775807', '1.0', '"NaN"', '0.1', JSON.stringify('\0ÿ'), '"ÿ"', '[true'])
  })

  it('has no attributes of Connect without connect.meta.data', () => {
    const schema = struct([['a', primitive('INT8', { doc: 'd', version: 1, parameters: { p: 'q' } })]], { name: 'n.S' })
    expect(json(schema, { 'connect.meta.data': 'false' })).toEqual({
      type: 'record',
      name: 'S',
      namespace: 'n',
      fields: [{ name: 'a', type: 'int' }],
    })
  })

  it('replaces what Avro does not allow in names with scrub.invalid.names, and refuses it otherwise', () => {
    const schema = struct(
      [
        ['a-b é', primitive('INT32')],
        ['1st', primitive('INT32')],
      ],
      { name: 'my-server.public.t 1' },
    )
    expect(json(schema, { 'scrub.invalid.names': 'true' })).toEqual({
      type: 'record',
      name: 't_1',
      namespace: 'my_server.public',
      fields: [
        { name: 'a_b__C3_A9', type: 'int' },
        { name: 'x1st', type: 'int' },
      ],
      'connect.name': 'my-server.public.t 1',
    })
    expect(() => json(schema)).toThrow(
      /^AVRO_NAME_INVALID: the schema "my-server\.public\.t 1".*scrub\.invalid\.names=true/,
    )
    expect(() => json(struct([['a-b', primitive('INT32')]], { name: 'n' }))).toThrow(/the field "a-b"/)
  })

  it.each([
    ['enhanced.avro.schema.support', 'io.confluent.connect.avro.Enum', 'RED'],
    ['generalized.sum.type.support', 'org.apache.kafka.connect.data.Enum', '0'],
  ])('is an enum with %s', (option, parameter, value) => {
    const parameters = { [parameter]: 'n.Colour', [`${parameter}.RED`]: value, [`${parameter}.BLUE`]: '1' }
    const schema = primitive('STRING', { name: 'n.Colour', parameters })
    expect(json(schema)).toMatchObject({ type: 'string' })
    expect(json(schema, { [option]: 'true' })).toMatchObject({
      type: 'enum',
      name: 'Colour',
      namespace: 'n',
      symbols: ['RED', 'BLUE'],
    })
  })

  it('is a union for the struct of one', () => {
    const fields = [
      ['int', primitive('INT32', { optional: true })],
      ['X', struct([['a', primitive('INT32')]], { name: 'n.X', optional: true })],
    ] as const
    const record = { type: 'record', name: 'X' }
    const union = struct(fields, { name: 'io.confluent.connect.avro.Union', optional: true })
    expect(json(union)).toMatchObject(['null', 'int', record])
    const general = struct(fields, { name: 'u', parameters: { 'org.apache.kafka.connect.data.Union': 'u' } })
    expect(json(general)).toMatchObject(['int', record])
  })

  it('has documentation of its types, or of fields with discard.type.doc.default', () => {
    const parameters = {
      'io.confluent.connect.avro.record.doc': 'of the record',
      'io.confluent.connect.avro.field.doc.a': 'of the field',
      'connect.record.doc': 'of the record',
    }
    const schema = struct([['a', primitive('INT32', { doc: 'of the type' })]], { name: 'n.S', parameters })
    expect(json(schema)).toMatchObject({ doc: 'of the record', fields: [{ doc: 'of the field' }] })
    const discarded = json(schema, { 'discard.type.doc.default': 'true' })
    expect(discarded).toMatchObject({ doc: 'of the record', fields: [{ doc: 'of the type' }] })
  })

  it('is a fixed for bytes that were one', () => {
    const schema = primitive('BYTES', { name: 'n.F', parameters: { 'connect.fixed.size': '4' } })
    expect(json(schema)).toMatchObject({ type: 'fixed', name: 'F', namespace: 'n', size: 4 })
  })

  it('is refused with a DataError where a default does not match', () => {
    expect(() => json(primitive('INT32', { defaultValue: 'x' }))).toThrow(DataError)
  })
})
