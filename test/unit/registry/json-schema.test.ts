import { describe, expect, it } from 'vitest'

import { jsonSchemaDifferences } from '../../../src/registry/json-schema/json-schema-comparison.ts'
import { JsonSchemaDocument } from '../../../src/registry/json-schema/json-schema-shape.ts'
import { parseJson } from '../../../src/registry/json/parse-json.ts'

function differences(original: unknown, update: unknown): readonly string[] {
  const [from, to] = [original, update].map(
    (schema) => new JsonSchemaDocument(parseJson(JSON.stringify(schema)), new Map()),
  )
  if (from === undefined || to === undefined) return []
  return jsonSchemaDifferences(from.root, to.root).map(({ type, path }) => `${type} #/${path.join('/')}`)
}

const integer = { type: 'integer' }
const string = { type: 'string' }
const open = (properties: object, more: object = {}): object => ({ type: 'object', properties, ...more })
const closed = (properties: object, more: object = {}): object =>
  open(properties, { additionalProperties: false, ...more })
const list = (...items: readonly object[]): object => ({ type: 'array', items })
/** A tree whose nodes have a value of this type. */
const tree = (value: object): object => ({
  $ref: '#/definitions/node',
  definitions: { node: closed({ value, next: { $ref: '#/definitions/node' } }) },
})

/** From, to, and why data of the first may not be valid by the second; the other direction, if the reasons differ from none. */
const cases: readonly (readonly [unknown, unknown, readonly string[], readonly string[]])[] = [
  [string, true, [], ['TYPE_CHANGED #/']],
  [false, string, [], ['TYPE_CHANGED #/']],
  [integer, { type: 'number' }, [], ['TYPE_NARROWED #/']],
  [integer, string, ['TYPE_CHANGED #/'], ['TYPE_CHANGED #/']],
  [{ ...string, maxLength: 3 }, { ...string, maxLength: 4 }, [], ['MAX_LENGTH_DECREASED #/maxLength']],
  [{ ...string, minLength: 3 }, { ...string, minLength: 2 }, [], ['MIN_LENGTH_INCREASED #/minLength']],
  [{ ...string, pattern: 'a' }, string, [], ['PATTERN_ADDED #/pattern']],
  [{ ...integer, multipleOf: 6 }, { ...integer, multipleOf: 3 }, [], ['MULTIPLE_OF_EXPANDED #/multipleOf']],
  [{ type: 'number', multipleOf: 0.3 }, { type: 'number', multipleOf: 0.1 }, [], ['MULTIPLE_OF_EXPANDED #/multipleOf']],
  [{ enum: [1, 2] }, { enum: [2, 1, 3] }, [], ['ENUM_ARRAY_NARROWED #/enum']],
  [{ const: { a: 1, b: 2 } }, { const: { b: 2, a: 1 } }, [], []],
  [{ const: 1 }, { const: 2 }, ['ENUM_ARRAY_CHANGED #/const'], ['ENUM_ARRAY_CHANGED #/const']],
  [closed({}), closed({ a: string }), [], ['PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL #/properties/a']],
  [
    closed({}),
    closed({ a: string }, { required: ['a'] }),
    ['REQUIRED_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL #/properties/a'],
    ['PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL #/properties/a'],
  ],
  [open({}), open({ a: string }), ['OPTIONAL_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL #/properties/a'], []],
  [open({}), open({ a: {} }), [], []],
  [open({ a: string }), open({ a: string }, { required: ['a'] }), ['REQUIRED_ATTRIBUTE_ADDED #/required/a'], []],
  [open({ a: string }), open({ a: { ...string, default: '' } }, { required: ['a'] }), [], []],
  [closed({}), open({}), [], ['ADDITIONAL_PROPERTIES_REMOVED #/additionalProperties']],
  [
    open({}, { additionalProperties: string }),
    open({ a: integer }, { additionalProperties: string }),
    ['TYPE_CHANGED #/properties/a', 'PROPERTY_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL #/properties/a'],
    ['TYPE_CHANGED #/properties/a', 'PROPERTY_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL #/properties/a'],
  ],
  [
    closed({}, { patternProperties: { '^x': string } }),
    closed({ xa: string }, { patternProperties: { '^x': string } }),
    [],
    [],
  ],
  [
    open({}, { dependencies: { a: ['b', 'c'] } }),
    open({}, { dependencies: { a: ['b'] } }),
    [],
    ['DEPENDENCY_ARRAY_EXTENDED #/dependencies/a'],
  ],
  [{ type: 'array', items: integer }, { type: 'array', items: { type: 'number' } }, [], ['TYPE_NARROWED #/items']],
  [{ type: 'array' }, { type: 'array', uniqueItems: true }, ['UNIQUE_ITEMS_ADDED #/uniqueItems'], []],
  [list(string), list(string, integer), ['ITEM_ADDED_TO_OPEN_CONTENT_MODEL #/items/1'], []],
  [
    { ...list(string), additionalItems: false },
    { ...list(string, integer), additionalItems: false },
    [],
    ['ITEM_REMOVED_FROM_CLOSED_CONTENT_MODEL #/items/1'],
  ],
  [
    { type: 'array', prefixItems: [string], items: false },
    { type: 'array', prefixItems: [string] },
    [],
    ['ADDITIONAL_ITEMS_REMOVED #/additionalItems'],
  ],
  [string, { oneOf: [integer, string] }, [], ['TYPE_CHANGED #/']],
  [{ type: ['string', 'null'] }, { type: ['null', 'integer', 'string'] }, [], ['SUM_TYPE_NARROWED #/']],
  [
    { oneOf: [string, integer] },
    { oneOf: [string, { type: 'boolean' }] },
    ['COMBINED_TYPE_SUBSCHEMAS_CHANGED #/'],
    ['COMBINED_TYPE_SUBSCHEMAS_CHANGED #/'],
  ],
  [
    {
      allOf: [
        { ...integer, minimum: 1 },
        { ...integer, maximum: 9 },
      ],
    },
    { ...integer, minimum: 1 },
    [],
    ['TYPE_CHANGED #/'],
  ],
  [{ anyOf: [string, integer] }, { oneOf: [string, integer] }, ['COMBINED_TYPE_CHANGED #/'], []],
  [{ not: { type: 'number' } }, { not: integer }, [], ['NOT_TYPE_EXTENDED #/not']],
  [tree(integer), tree(integer), [], []],
]

describe('JSON Schemas', () => {
  it.each(cases)('%j → %j', (original, update, there, back) => {
    expect(differences(original, update)).toEqual(there)
    expect(differences(update, original)).toEqual(back)
    expect(differences(original, original)).toEqual([])
  })

  it('that contain themselves are compared, with a bounded number of differences', () => {
    expect(differences(tree(integer), tree({ type: 'number' }))).toEqual([])
    expect(differences(tree({ type: 'number' }), tree(integer))).toContain('TYPE_NARROWED #/properties/value')
    const names = Array.from({ length: 12 }, (_none, at) => `n${at}`)
    const web = (value: object): object => ({
      $ref: '#/definitions/n0',
      definitions: Object.fromEntries(
        names.map((name) => [
          name,
          closed({ value, ...Object.fromEntries(names.map((other) => [other, { $ref: `#/definitions/${other}` }])) }),
        ]),
      ),
    })
    expect(differences(web({ type: 'number' }), web(integer)).length).toBeLessThanOrEqual(50)
  })

  it('that contain themselves are not compatible because they are assumed to be while they are compared', () => {
    // In the comparison of `b` it is assumed for the `b` in `c`, which is in `a`. `second` must not rely on that.
    const schema = (value: object): object => ({
      ...closed({ first: { $ref: '#/definitions/b' }, second: { $ref: '#/definitions/c' } }),
      definitions: {
        a: closed({ c: { $ref: '#/definitions/c' }, value }),
        b: { oneOf: [{ type: 'null' }, closed({ a: { $ref: '#/definitions/a' } })] },
        c: closed({ b: { $ref: '#/definitions/b' } }),
      },
    })
    expect(differences(schema(integer), schema(string))).toEqual(
      expect.arrayContaining([expect.stringContaining('#/properties/second')]),
    )
  })

  it('whose references lead to themselves are refused', () => {
    expect(() => differences({ $ref: '#' }, string)).toThrow(/leads to itself/)
  })
})
