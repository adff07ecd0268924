import { arrayOf, Logical, mapOf, primitive, struct, type ConnectValue, type Schema } from 'penstock/api'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { jsonSchemaCodec } from '../../../support/registry/json-schema-codec.ts'

const optionalText = primitive('STRING', { optional: true })
const namespace = 'io.confluent.connect.json'
const generalized = 'org.apache.kafka.connect.data'

function schemaOf(schema: Schema, config = {}): unknown {
  return JSON.parse(jsonSchemaCodec(schema, config).text)
}

/** A list: each node has the next one. */
function nodeSchema(): Schema {
  const fields: Schema['fields'][number][] = []
  const node: Schema = { ...struct([], { name: 'Node' }), fields }
  fields.push({ name: 'id', index: 0, schema: primitive('INT64') })
  fields.push({ name: 'next', index: 1, schema: { ...node, optional: true } })
  return node
}

describe('the JSON Schema of a Connect schema', () => {
  it.each<[string, Schema, unknown]>([
    ['INT8', primitive('INT8'), { type: 'integer', 'connect.type': 'int8' }],
    ['INT16', primitive('INT16'), { type: 'integer', 'connect.type': 'int16' }],
    ['INT32', primitive('INT32'), { type: 'integer', 'connect.type': 'int32' }],
    ['INT64', primitive('INT64'), { type: 'integer', 'connect.type': 'int64' }],
    ['FLOAT32', primitive('FLOAT32'), { type: 'number', 'connect.type': 'float32' }],
    ['FLOAT64', primitive('FLOAT64'), { type: 'number', 'connect.type': 'float64' }],
    ['BOOLEAN', primitive('BOOLEAN'), { type: 'boolean' }],
    ['STRING', primitive('STRING'), { type: 'string' }],
    ['BYTES', primitive('BYTES'), { type: 'string', 'connect.type': 'bytes' }],
    ['an optional one', optionalText, { oneOf: [{ type: 'null' }, { type: 'string' }] }],
    ['ARRAY', arrayOf(primitive('BOOLEAN')), { type: 'array', items: { type: 'boolean' } }],
    [
      'MAP with text as keys',
      mapOf(primitive('STRING'), primitive('BOOLEAN')),
      { type: 'object', additionalProperties: { type: 'boolean' }, 'connect.type': 'map' },
    ],
    [
      'MAP with other keys',
      mapOf(optionalText, primitive('BOOLEAN')),
      {
        type: 'array',
        items: {
          type: 'object',
          properties: {
            key: { oneOf: [{ type: 'null' }, { type: 'string' }], 'connect.index': 0 },
            value: { type: 'boolean', 'connect.index': 1 },
          },
        },
        'connect.type': 'map',
      },
    ],
    [
      'Decimal',
      primitive('BYTES', { name: Logical.decimal, version: 1, parameters: { scale: '2' } }),
      {
        type: 'number',
        title: Logical.decimal,
        'connect.type': 'bytes',
        'connect.version': 1,
        'connect.parameters': { scale: '2' },
      },
    ],
    [
      'documentation, defaults and versions',
      primitive('INT64', { name: 'n', version: 3, doc: 'd', defaultValue: 2n ** 60n }),
      expect.objectContaining({ title: 'n', description: 'd', 'connect.version': 3 }),
    ],
    [
      'STRUCT',
      struct(
        [
          ['a', primitive('INT32')],
          ['b', struct([['__proto__', optionalText]], { name: 'B', optional: true })],
        ],
        { name: 'A' },
      ),
      {
        type: 'object',
        title: 'A',
        properties: {
          a: { type: 'integer', 'connect.type': 'int32', 'connect.index': 0 },
          b: {
            oneOf: [
              { type: 'null' },
              {
                type: 'object',
                title: 'B',
                properties: JSON.parse(
                  '{"__proto__":{"oneOf":[{"type":"null"},{"type":"string"}],"connect.index":0}}',
                ) as unknown,
              },
            ],
            'connect.index': 1,
          },
        },
      },
    ],
    [
      'an enum',
      primitive('STRING', {
        parameters: {
          [`${namespace}.Enum`]: '',
          [`${namespace}.Enum.one`]: 'one',
          [`${namespace}.Enum.<NULL>`]: '<NULL>',
        },
      }),
      { enum: ['one', null] },
    ],
    [
      'a union',
      struct(
        [
          [`${namespace}.OneOf.field.0`, primitive('INT32', { optional: true })],
          [`${namespace}.OneOf.field.1`, optionalText],
        ],
        { name: `${namespace}.OneOf`, optional: true },
      ),
      {
        oneOf: [
          { type: 'null' },
          { type: 'integer', 'connect.type': 'int32', 'connect.index': 0 },
          { type: 'string', 'connect.index': 1 },
        ],
      },
    ],
  ])('of %s is that of Confluent', (_what, schema, wanted) => {
    expect(schemaOf(schema)).toEqual(wanted)
  })

  it('refers to a struct that contains itself, as deep as its data is', () => {
    const { text, back, bytes, value } = jsonSchemaCodec(nodeSchema())
    expect(JSON.parse(text)).toMatchObject({
      $id: '#id1',
      properties: { next: { oneOf: [{ type: 'null' }, { $ref: '#id1' }], 'connect.index': 1 } },
    })
    expect(back).toMatchObject({ name: 'Node', parameters: { [`${namespace}.Id`]: '#id1' } })
    let list: ConnectValue = null
    for (let id = 0; id < 500; id += 1) list = [id % 7, list]
    expect(value(bytes(list))).toEqual(list)
    const again = jsonSchemaCodec(back as Schema)
    expect(JSON.parse(again.text)).toEqual(JSON.parse(text))
    expect(again.value(again.bytes(list))).toEqual(list)
  })

  it('keeps apart what records, and structs within themselves, have in common', () => {
    const tree = struct([['name', primitive('STRING')]], { name: 'Tree' })
    const box = struct(
      [
        ['label', primitive('STRING')],
        ['tree', { ...tree, optional: true }],
        ['colour', primitive('STRING')],
      ],
      { optional: true },
    )
    const fields = tree.fields as Schema['fields'][number][]
    fields.push({ name: 'children', index: 1, schema: arrayOf(tree) })
    fields.push({ name: 'box', index: 2, schema: box })
    const { bytes, value } = jsonSchemaCodec(tree)
    const name = fc.constantFrom('a', 'b')
    let trees: fc.Arbitrary<readonly ConnectValue[]> = fc.tuple(name, fc.constant([]), fc.constant(null))
    for (let depth = 0; depth < 4; depth += 1) {
      const boxes: fc.Arbitrary<readonly ConnectValue[]> = fc.tuple(name, fc.option(trees, { nil: null }), name)
      trees = fc.tuple(name, fc.array(trees, { maxLength: 2 }), fc.option(boxes, { nil: null }))
    }
    // Deeper than the copies that a compiled schema has of a struct.
    const deep = (names: readonly string[]): ConnectValue =>
      names.reduce<ConnectValue>((inner, each) => [each, [], [each, inner, 'a']], null)
    fc.assert(
      fc.property(
        fc.array(trees, { minLength: 2, maxLength: 4 }),
        fc.array(name, { minLength: 40, maxLength: 40 }),
        (records, names) => {
          for (const each of [...records, deep(names), deep(names.slice(1)), ...records])
            expect(value(bytes(each))).toEqual(each)
        },
      ),
      { numRuns: 100 },
    )
  })

  it('holds 2,000 fields', () => {
    const schema = struct(Array.from({ length: 2000 }, (_, at) => [`f${at}`, primitive('INT32')] as const))
    const { back, bytes, value } = jsonSchemaCodec(schema)
    expect(back).toEqual(schema)
    const row = schema.fields.map(({ index }) => index)
    expect(value(bytes(row))).toEqual(row)
  })

  it('has defaults of all types', () => {
    const point = struct([
      ['x', primitive('INT64')],
      ['y', primitive('FLOAT64')],
    ])
    const counts = mapOf(primitive('INT32'), primitive('INT64'))
    const money = { name: Logical.decimal, version: 1, parameters: { scale: '2' } }
    const schema = struct([
      ['long', primitive('INT64', { defaultValue: 2n ** 60n })],
      ['double', primitive('FLOAT64', { defaultValue: 2 / 3 })],
      ['bytes', primitive('BYTES', { defaultValue: Buffer.from([255]) })],
      ['decimal', primitive('BYTES', { ...money, defaultValue: '12345678901234567890.50' })],
      ['point', { ...point, optional: true, defaultValue: [2n ** 54n, NaN] }],
      ['counts', { ...counts, defaultValue: new Map([[1, 2]]) }],
    ])
    for (const format of ['BASE64', 'NUMERIC'])
      expect(jsonSchemaCodec(schema, { 'decimal.format': format }).back).toEqual(schema)
  })

  it('forbids other members with object.additional.properties=false', () => {
    const schema = schemaOf(struct([['a', optionalText]]), { 'object.additional.properties': 'false' })
    expect(schema).toMatchObject({ additionalProperties: false })
  })

  it('writes enums and unions of other converters with generalized.sum.type.support', () => {
    const config = { 'generalized.sum.type.support': 'true' }
    const colours = { [`${generalized}.Enum`]: '', [`${generalized}.Enum.RED`]: '0', [`${generalized}.Enum.BLUE`]: '1' }
    const union = struct(
      [
        ['connect_union_field_0', primitive('STRING', { optional: true, parameters: colours })],
        ['connect_union_field_1', primitive('BOOLEAN', { optional: true })],
      ],
      { name: 'connect_union_0', parameters: { [`${generalized}.Union`]: 'connect_union_0' } },
    )
    const { text, back, bytes, value } = jsonSchemaCodec(union, config)
    expect(JSON.parse(text)).toMatchObject({ oneOf: [{ enum: ['RED', 'BLUE'] }, { type: 'boolean' }] })
    expect(back).toEqual(union)
    expect(bytes([null, false]).toString()).toBe('false')
    expect(value(bytes(['RED', null]))).toEqual(['RED', null])
  })
})

describe('data in JSON', () => {
  it.each<[string, Schema, ConnectValue, string]>([
    ['an integer beyond 2^53', primitive('INT64'), -(2n ** 63n), '-9223372036854775808'],
    ['NaN', primitive('FLOAT64'), NaN, '"NaN"'],
    ['negative infinity', primitive('FLOAT32'), -Infinity, '"-Infinity"'],
    ['negative zero', primitive('FLOAT64'), -0, '-0.0'],
    ['a float', primitive('FLOAT32'), 0.1, '0.1'],
    ['a lone surrogate', primitive('STRING'), 'a\ud800', String.raw`"a\uD800"`],
    ['bytes', primitive('BYTES'), Buffer.from([255, 0]), '"/wA="'],
    ['entries', mapOf(primitive('INT32'), optionalText), new Map([[1, null]]), '[{"key":1,"value":null}]'],
    ['members', mapOf(primitive('STRING'), primitive('INT32')), new Map([['__proto__', 1]]), '{"__proto__":1}'],
    ['null', optionalText, null, 'null'],
  ])('%s is written exactly, and comes back', (_what, schema, value, json) => {
    const codec = jsonSchemaCodec(schema)
    expect(codec.bytes(value).toString()).toBe(json)
    expect(codec.value(Buffer.from(json))).toEqual(value)
  })

  it('has decimals as base64 or as numbers', () => {
    const decimal = primitive('BYTES', { name: Logical.decimal, version: 1, parameters: { scale: '2' } })
    const large = `${'9'.repeat(40)}.10`
    expect(jsonSchemaCodec(decimal).bytes('12.50').toString()).toBe('"BOI="')
    const numeric = jsonSchemaCodec(decimal, { 'decimal.format': 'numeric' })
    expect(numeric.bytes(large).toString()).toBe(large)
    expect(numeric.value(Buffer.from(large))).toBe(large)
    expect(numeric.value(Buffer.from('"BOI="'))).toBe('12.50')
  })

  it('has the default in place of null, but for ignore.default.for.nullables', () => {
    const schema = struct([['a', primitive('INT32', { optional: true, defaultValue: 7 })]])
    expect(jsonSchemaCodec(schema).bytes([null]).toString()).toBe('{"a":7}')
    expect(jsonSchemaCodec(schema).value(Buffer.from('{"a":null}'))).toEqual([7])
    const ignoring = jsonSchemaCodec(schema, { 'ignore.default.for.nullables': 'true' })
    expect(ignoring.bytes([null]).toString()).toBe('{"a":null}')
    expect(ignoring.value(Buffer.from('{"a":null}'))).toEqual([null])
  })

  it.each<[string, Schema, string, RegExp]>([
    ['a fraction', primitive('INT32'), '1.5', /INT32/],
    ['an integer that does not fit', primitive('INT32'), '2147483648', /2147483648 does not fit INT32/],
    ['more than 64 bits', primitive('INT64'), '9223372036854775808', /does not fit INT64/],
    ['text that is not UTF-8', primitive('STRING'), '"\xff"', /not UTF-8/],
    ['two values', primitive('STRING'), '"a" "b"', /serialization error/],
    ['an entry that is no object', mapOf(primitive('INT32'), optionalText), '[[1,"a"]]', /each must be an object/],
    ['a missing value', struct([['a', primitive('INT32')]]), '{}', /"a".*use\.optional\.for\.nonrequired=true/],
  ])('%s is refused', (_what, schema, json, says) => {
    expect(() => jsonSchemaCodec(schema).value(Buffer.from(json, 'latin1'))).toThrow(says)
  })
})
