import { arrayOf, mapOf, primitive, struct, type Schema, type SchemaOptions } from 'penstock/api'
import { describe, expect, it } from 'vitest'

import { sameSchema } from '../../../../connectors/s3-sink/schema/same-schema.ts'
import { SchemaRule, type Compatibility } from '../../../../connectors/s3-sink/schema/schema-rule.ts'

const row = (options: SchemaOptions = {}, type: 'INT32' | 'INT64' = 'INT32'): Schema =>
  struct([['n', primitive(type, { optional: true, defaultValue: 5 })]], { name: 'row', version: 1, ...options })

/** Nests a schema `depth` times, each time twice: as a tree it has 2 ** depth leaves. */
function doubled(leaf: Schema, depth: number): Schema {
  let schema = leaf
  for (let i = 0; i < depth; i += 1)
    schema = struct([
      ['left', schema],
      ['right', schema],
    ])
  return schema
}

/** A list: its schema contains itself. */
function list(type: 'INT32' | 'INT64'): Schema {
  const fields: { name: string; index: number; schema: Schema }[] = []
  const schema: Schema = { ...struct([], { name: 'list', optional: true }), fields }
  fields.push({ name: 'head', index: 0, schema: primitive(type) }, { name: 'tail', index: 1, schema })
  return schema
}

describe('schemas are the same', () => {
  it.each<[string, Schema, Schema, boolean]>([
    ['with the same content', row({ parameters: { a: '1', b: '2' } }), row({ parameters: { b: '2', a: '1' } }), true],
    ['not with another type of a field', row(), row({}, 'INT64'), false],
    ['not with another version', row(), row({ version: 2 }), false],
    ['not with another parameter', row(), row({ parameters: { allowed: 'a' } }), false],
    ['not with another name', row(), row({ name: 'other' }), false],
    ['not with other documentation', row(), row({ doc: 'text' }), false],
    ['not as an optional one', row(), row({ optional: true }), false],
    ['not with another default', arrayOf(primitive('INT8', { defaultValue: 1 })), arrayOf(primitive('INT8')), false],
    ['not with other keys', mapOf(primitive('INT8'), row()), mapOf(primitive('STRING'), row()), false],
    [
      'not with one more field',
      row(),
      struct([
        ['n', row()],
        ['m', row()],
      ]),
      false,
    ],
    ['if they contain themselves', list('INT32'), list('INT32'), true],
    ['not with another part in themselves', list('INT32'), list('INT64'), false],
    ['if they have the same part often', doubled(row(), 60), doubled(row(), 60), true],
  ])('%s', (_title, one, other, expected) => {
    expect(sameSchema(one, other)).toBe(expected)
    expect(sameSchema(other, one)).toBe(expected)
  })
})

describe('a record gets into an object of another schema', () => {
  /** Each version has a field of its own that others need not have, so that all have projections to all. */
  const version = (number: number | null, own: string): Schema =>
    struct([[own, primitive('STRING', { optional: true })]], {
      name: 'row',
      ...(number === null ? {} : { version: number }),
    })
  const fitOf = (compatibility: Compatibility, record: number | null, object: number | null): string => {
    const fit = new SchemaRule(compatibility).fit(version(record, 'a'), version(object, 'b'))
    return typeof fit === 'string' ? fit : 'projected'
  }

  it.each<[Compatibility, number | null, number | null, string]>([
    ['NONE', 1, 2, 'not'],
    ['NONE', 2, 1, 'not'],
    ['BACKWARD', 1, 2, 'projected'],
    ['BACKWARD', 2, 1, 'not'],
    ['FULL', 1, 2, 'projected'],
    ['FULL', 2, 1, 'not'],
    ['FORWARD', 1, 2, 'not'],
    ['FORWARD', 2, 1, 'projected'],
    // Neither says which one is newer.
    ['BACKWARD', 1, 1, 'not'],
    ['FORWARD', null, 1, 'not'],
    ['BACKWARD', 1, null, 'not'],
  ])('%s: version %s in an object of version %s: %s', (compatibility, record, object, expected) => {
    expect(fitOf(compatibility, record, object)).toBe(expected)
  })

  it('not if one of them has none', () => {
    const rule = new SchemaRule('BACKWARD')
    expect([rule.fit(row(), null), rule.fit(null, row()), rule.fit(null, null)]).toEqual(['not', 'not', 'as it is'])
  })

  it('not without a projection', () => {
    const rule = new SchemaRule('BACKWARD')
    expect(rule.fit(row(), struct([['m', primitive('INT32')]], { name: 'row', version: 2 }))).toBe('not')
  })
})
