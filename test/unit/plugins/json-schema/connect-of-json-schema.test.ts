import { arrayOf, DataError, mapOf, primitive, struct, type ConnectValue, type Schema } from 'penstock/api'
import { describe, expect, it } from 'vitest'

import { jsonSchemaCodec, readJsonSchema } from '../../../support/registry/json-schema-codec.ts'

const namespace = 'io.confluent.connect.json'
const generalized = 'org.apache.kafka.connect.data'
const optionalText = primitive('STRING', { optional: true })
const text = { type: 'string' }

function enumOf(...symbols: readonly string[]): Schema {
  const entries = symbols.map((symbol) => [`${namespace}.Enum.${symbol}`, symbol] as const)
  return primitive('STRING', { parameters: Object.fromEntries([[`${namespace}.Enum`, ''], ...entries]) })
}

function unionOf(...schemas: readonly Schema[]): Schema {
  return struct(
    schemas.map((schema, at) => [`${namespace}.OneOf.field.${at}`, { ...schema, optional: true }] as const),
    { name: `${namespace}.OneOf` },
  )
}

describe('the Connect schema of a JSON Schema', () => {
  it.each<[string, unknown, Schema | null]>([
    ['an integer', { type: 'integer' }, primitive('INT64')],
    ['a number', { type: 'number' }, primitive('FLOAT64')],
    ['a boolean', { type: 'boolean' }, primitive('BOOLEAN')],
    ['text', text, primitive('STRING')],
    ['anything', {}, null],
    ['true', true, null],
    ['types with null', { type: ['null', 'string'] }, optionalText],
    ['types', { type: ['string', 'integer'] }, unionOf(primitive('STRING'), primitive('INT64'))],
    ['null or text', { anyOf: [text, { type: 'null' }] }, optionalText],
    ['several', { oneOf: [{ type: 'boolean' }, text] }, unionOf(primitive('BOOLEAN'), primitive('STRING'))],
    [
      'several or null',
      { oneOf: [{ type: 'boolean' }, { type: 'null' }, text] },
      { ...unionOf(primitive('BOOLEAN'), primitive('STRING')), optional: true },
    ],
    [
      'combined ones first',
      { oneOf: [text, { type: 'string', enum: ['a'] }] },
      unionOf(enumOf('a'), primitive('STRING')),
    ],
    ['an enum', { enum: ['a', 'b', null] }, enumOf('a', 'b', '<NULL>')],
    ['an enum with a type', { type: 'string', enum: ['a'], title: 'lost' }, enumOf('a')],
    ['an enum of exact fractions', '{"enum":[0.12345678901234567890]}', enumOf('0.12345678901234567890')],
    ['an enum of integers', { type: 'integer', enum: [1, 2] }, primitive('INT64')],
    ['a constant', { const: 'a' }, enumOf('a')],
    ['a constant with a type', { type: 'string', const: 'a' }, primitive('STRING')],
    ['text with a format and without a type', { format: 'date' }, primitive('STRING')],
    ['text that is not empty', { type: 'string', not: { enum: [''] } }, primitive('STRING')],
    ['an array', { type: 'array', items: text }, arrayOf(primitive('STRING'))],
    ['an array by its items', { items: text }, arrayOf(primitive('STRING'))],
    [
      'a map',
      { type: 'object', 'connect.type': 'map', additionalProperties: text },
      mapOf(primitive('STRING'), primitive('STRING')),
    ],
    [
      'an object by its properties, in the order of their indexes',
      {
        title: 'T',
        description: 'd',
        properties: { b: { ...text, 'connect.index': 1 }, a: { ...text, 'connect.index': 0 } },
      },
      struct(
        [
          ['a', primitive('STRING')],
          ['b', primitive('STRING')],
        ],
        { name: 'T', doc: 'd' },
      ),
    ],
    [
      'properties with the same index',
      { properties: { b: { ...text, 'connect.index': 0 }, a: { ...text, 'connect.index': 0 } } },
      struct([
        ['b', primitive('STRING')],
        ['a', primitive('STRING')],
      ]),
    ],
    [
      'all of several objects',
      {
        allOf: [{ properties: { a: text } }, { $ref: '#/$defs/more' }],
        $defs: { more: { properties: { b: { type: 'integer' } } } },
      },
      struct([
        ['a', primitive('STRING')],
        ['b', primitive('INT64')],
      ]),
    ],
    ['all of one reference', { allOf: [{ $ref: '#/$defs/t' }], $defs: { t: text } }, primitive('STRING')],
    ['a default', { type: 'integer', default: 3 }, primitive('INT64', { defaultValue: 3 })],
    [
      'what Connect has added',
      { type: 'integer', 'connect.type': 'int8', 'connect.version': 2, 'connect.parameters': { p: 'v' } },
      primitive('INT8', { version: 2, parameters: { p: 'v' } }),
    ],
  ])('of %s is that of Confluent', (_what, json, schema) => {
    expect(readJsonSchema(json).schema).toEqual(schema)
  })

  it('has optional fields for properties that are not required, with use.optional.for.nonrequired', () => {
    const json = { properties: { a: text, b: text }, required: ['a'] }
    const { schema, value } = readJsonSchema(json, { 'use.optional.for.nonrequired': 'true' })
    expect(schema?.fields.map((field) => field.schema.optional)).toEqual([false, true])
    expect(value({ a: 'x', other: 1 })).toEqual(['x', null])
    expect(() => readJsonSchema(json).value({ a: 'x' })).toThrow(DataError)
  })

  it('is refused if it has too many parts, though its text is short', () => {
    const twice = (ref: string) => ({ type: 'array', items: { oneOf: [{ $ref: ref }, { $ref: ref }] } })
    const lists = Array.from({ length: 18 }, (_, i) => [`d${i}`, i === 0 ? text : twice(`#/lists/d${i - 1}`)] as const)
    const schema = { $ref: '#/lists/d17', lists: Object.fromEntries(lists) }
    expect(() => readJsonSchema(schema)).toThrow(/more than 100000 parts/)
  })

  it('has enums and unions of other converters, with generalized.sum.type.support', () => {
    const config = { 'generalized.sum.type.support': 'true' }
    const { schema } = readJsonSchema({ oneOf: [{ enum: ['a', 'b'] }, { type: 'integer' }] }, config)
    expect(schema).toMatchObject({
      name: 'connect_union_0',
      parameters: { [`${generalized}.Union`]: 'connect_union_0' },
      fields: [
        {
          name: 'connect_union_field_0',
          schema: { parameters: { [`${generalized}.Enum`]: '', [`${generalized}.Enum.b`]: '1' } },
        },
        { name: 'connect_union_field_1' },
      ],
    })
  })

  it.each([
    ['within it', '#/definitions/money', []],
    ['with an $id', 'money', []],
    ['with an anchor', '#cash', []],
    ['of the registry', 'other.json', [{ name: 'other.json', text: '{"properties":{"cents":{"type":"integer"}}}' }]],
    [
      'within one of the registry, by its URL',
      'http://shop/other.json#/$defs/a~1b',
      [
        {
          name: 'http://shop/other.json',
          text: '{"$defs":{"a/b":{"$ref":"#/$defs/m"},"m":{"properties":{"cents":{"type":"integer"}}}}}',
        },
      ],
    ],
  ])('follows references to a schema %s', (_what, $ref, references) => {
    const money = { $id: 'money', $anchor: 'cash', type: 'object', properties: { cents: { type: 'integer' } } }
    const json = { properties: { price: { $ref, 'connect.index': 0 } }, definitions: { money } }
    const { schema, value } = readJsonSchema(json, {}, references)
    expect(schema).toEqual(struct([['price', struct([['cents', primitive('INT64')]])]]))
    expect(value({ price: { cents: 5 } })).toEqual([[5]])
  })

  it('contains itself where the JSON Schema does', () => {
    const json = {
      title: 'Tree',
      properties: { name: text, children: { type: 'array', items: { $ref: '#' } } },
    }
    const { schema, value } = readJsonSchema(json)
    expect(schema).toMatchObject({ name: 'Tree', parameters: { [`${namespace}.Id`]: '#id1' } })
    expect(schema?.fields[1]?.schema.valueSchema).toMatchObject({
      type: 'STRUCT',
      name: 'Tree',
      fields: schema?.fields,
    })
    const data = { name: 'a', children: [{ name: 'b', children: [] }] }
    expect(value(data)).toEqual(['a', [['b', []]]])
    expect(
      jsonSchemaCodec(schema as Schema)
        .bytes(value(data))
        .toString(),
    ).toBe(JSON.stringify(data))
  })

  it('is found and compiled in a moment for definitions that each use the next one twice', () => {
    const definitions = Object.fromEntries(
      Array.from({ length: 60 }, (_, at) => {
        const next = at === 59 ? text : { anyOf: [{ type: 'null' }, { $ref: `#/definitions/d${at + 1}` }] }
        return [`d${at}`, { properties: { a: next, b: next } }] as const
      }),
    )
    const { value } = readJsonSchema({ $ref: '#/definitions/d0', definitions })
    expect(value({ a: { a: null, b: null }, b: null })).toEqual([[null, null], null])
  })

  it.each<[string, unknown, RegExp]>([
    ['a field of any type', { properties: { a: {} } }, /"a" allows values of all types/],
    ['false', false, /allows no values/],
    ['an array of anything', { type: 'array' }, /"\[\]" has no type of its items/],
    ['a tuple', { properties: { a: { items: [text] } } }, /"a\[\]" has no type of its items/],
    ['a map of anything', { type: 'object', 'connect.type': 'map' }, /"\{\}" has no type of its values/],
    ['a default of another type', { type: 'integer', default: 'x' }, /has a default that is not of its type/],
    ['an unknown type', { type: 'text' }, /"type" is none of its types/],
    ['an unknown reference', { $ref: 'other.json' }, /refers to "other\.json", which is neither in it nor/],
    [
      'a reference to nothing',
      { $ref: '#/definitions/toString', definitions: {} },
      /refers to "#\/definitions\/toString"/,
    ],
    ['references in a circle', { $ref: '#/$defs/a', $defs: { a: { $ref: '#/$defs/a' } } }, /refers to itself/],
    ['a list', [], /neither an object nor true or false/],
  ])('is refused for %s', (_what, json, says) => {
    expect(() => readJsonSchema(json)).toThrow(says)
  })

  it('is refused for a schema that is nested too deeply', () => {
    // Node.js parses such a text, but cannot write it.
    const json = `${'{"items":'.repeat(20_000)}{"type":"string"}${'}'.repeat(20_000)}`
    expect(() => readJsonSchema(json)).toThrow(DataError)
  })
})

describe('the field of a union', () => {
  const { value } = readJsonSchema({
    oneOf: [
      { type: 'string', 'connect.type': 'bytes' },
      { properties: { kind: text, radius: { type: 'number' } } },
      { properties: { kind: text, width: { type: 'number' }, height: { type: 'number' } } },
      { type: 'integer' },
      { type: 'number' },
      { type: 'boolean' },
      { type: 'array', items: text },
    ],
  })

  it.each<[string, unknown, number, ConnectValue]>([
    ['an integer', 3, 3, 3],
    ['a fraction', 3.5, 4, 3.5],
    ['a boolean', true, 5, true],
    ['a list', ['a'], 6, ['a']],
    ['text', 'AAE=', 0, Buffer.from([0, 1])],
    ['an object, by most of its members', { kind: 'box', width: 1, height: 2 }, 2, ['box', 1, 2]],
    ['another object', { kind: 'circle', radius: 1 }, 1, ['circle', 1]],
  ])('is that of %s', (_what, data, at, wanted) => {
    const expected: ConnectValue[] = Array.from({ length: 7 }, () => null)
    expected[at] = wanted
    expect(value(data)).toEqual(expected)
  })

  it('is that of text rather than that of bytes', () => {
    const bytes = { ...text, 'connect.type': 'bytes' }
    expect(readJsonSchema({ oneOf: [bytes, text] }).value('AAE=')).toEqual([null, 'AAE='])
  })

  it('is that of the branch in which a union in a union has the value', () => {
    const inner = readJsonSchema({ oneOf: [{ type: 'boolean' }, { oneOf: [text, { type: 'integer' }] }] })
    expect(inner.value(3)).toEqual([[null, 3], null])
  })

  it('is refused if no branch has the type', () => {
    expect(() => readJsonSchema({ oneOf: [text, { type: 'boolean' }] }).value({})).toThrow(/found object/)
  })
})
