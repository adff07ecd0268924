import { DataError, type Schema } from 'penstock/api'
import { describe, expect, it } from 'vitest'

import { JsonPayloads } from '../../../plugins/transforms/debezium/outbox/json-payload.ts'

const fieldsOf = (schema: Schema | null | undefined): unknown =>
  schema?.type === 'STRUCT'
    ? Object.fromEntries(schema.fields.map(({ name, schema: field }) => [name, fieldsOf(field)]))
    : schema?.type === 'ARRAY'
      ? [fieldsOf(schema.valueSchema)]
      : schema?.type

const expand = (text: string) => new JsonPayloads(false).expand('p', text)

// Debezium merges the structures of items in the order of hashes, which differs from run to run.
describe('a JSON list of objects of several structures', () => {
  it('has the members of all items, in the order in which they occur', () => {
    const { schema, value } = expand('{"a":[{"b":1},{"c":"x","b":2},{"b":3,"d":[1]}]}')
    expect(fieldsOf(schema)).toEqual({ a: [{ b: 'INT32', c: 'STRING', d: ['INT32'] }] })
    expect(value).toEqual([
      [
        [1, null, null],
        [2, 'x', null],
        [3, null, [1]],
      ],
    ])
    expect(schema.fields[0]?.schema.valueSchema).toMatchObject({ name: 'p.a', optional: false })
  })

  it('has the members of objects in them', () => {
    const { schema, value } = expand('{"a":[{"b":{"c":1}},{"b":{"c":1,"d":2}}]}')
    expect(fieldsOf(schema)).toEqual({ a: [{ b: { c: 'INT32', d: 'INT32' } }] })
    expect(value).toEqual([[[[1, null]], [[1, 2]]]])
  })

  it('may have null items', () => {
    const { schema, value } = expand('{"a":[{"b":1},null,{"c":2}]}')
    expect(value).toEqual([[[1, null], null, [null, 2]]])
    expect(schema.fields[0]?.schema.valueSchema?.optional).toBe(true)
  })

  it.each(['{"a":[{"b":1},{"b":1.5}]}', '{"a":[{"b":1},{"b":[1]}]}', '{"a":[[{"b":1}],[{"c":2}]]}'])(
    'has no schema if a member has several types: %s',
    (text) => {
      expect(() => expand(text)).toThrow(DataError)
    },
  )

  it('takes the type of a member that is null in other items', () => {
    const { schema, value } = new JsonPayloads(true).expand('p', '{"a":[{"b":null},{"b":2}]}')
    expect(fieldsOf(schema)).toEqual({ a: [{ b: 'INT32' }] })
    expect(value).toEqual([[[null], [2]]])
  })
})

describe('JSON payloads', () => {
  it('of one structure have one schema object', () => {
    const payloads = new JsonPayloads(false)
    const [one, two] = ['{"a":1,"b":[{"c":"x"}]}', '{"a":2,"b":[{"c":"y"},{"c":"z"}]}']
    expect(payloads.expand('p', one ?? '').schema).toBe(payloads.expand('p', two ?? '').schema)
    expect(payloads.expand('p', '{"a":1.0,"b":[{"c":"x"}]}').schema).not.toBe(payloads.expand('p', one ?? '').schema)
  })

  it('may be long texts, with escapes at their ends', () => {
    const long = 'x'.repeat(2 ** 24)
    expect(expand(`{"a":"${long}","b":"\\\\\\"","c\\"":"\\\\"}`).value).toEqual([long, '\\"', '\\'])
    for (const text of ['{"a":"\\\\\\"}', '{"a":"\n"}', '{"a":"\\x"}']) expect(() => expand(text)).toThrow(SyntaxError)
  })

  it('are not deeper than Jackson allows', () => {
    const nested = (depth: number): string => `{"a":${'['.repeat(depth)}1${']'.repeat(depth)}}`
    expect(() => expand(nested(999))).not.toThrow()
    expect(() => expand(nested(1000))).toThrow(SyntaxError)
    expect(() => expand(nested(100_000))).toThrow(SyntaxError)
  })
})
