import { arrayOf, mapOf, primitive, struct, type ConnectValue, type Schema } from 'penstock/api'
import { describe, expect, it } from 'vitest'

import { projection } from '../../../../connectors/s3-sink/schema/projection.ts'

const int = primitive('INT32')
const maybe = primitive('INT32', { optional: true })
const text = primitive('STRING', { optional: true })
const withDefault = primitive('INT32', { defaultValue: 5 })

describe('a value is projected', () => {
  it.each<[string, Schema, ConnectValue, Schema, ConnectValue]>([
    [
      'without the fields that the other schema lacks',
      struct([
        ['a', int],
        ['b', text],
      ]),
      [1, 'x'],
      struct([['b', text]]),
      ['x'],
    ],
    [
      'with null for an optional field that it lacks',
      struct([['a', int]]),
      [1],
      struct([
        ['b', text],
        ['a', int],
      ]),
      [null, 1],
    ],
    [
      'with the default of a field that it lacks',
      struct([['a', int]]),
      [1],
      struct([
        ['a', int],
        ['b', withDefault],
      ]),
      [1, 5],
    ],
    ['with the default for a null that may not be', maybe, null, withDefault, 5],
    ['to a wider integer', maybe, 7, primitive('INT64', { optional: true }), 7],
    ['to a wider float', primitive('FLOAT32'), 1.5, primitive('FLOAT64'), 1.5],
    [
      'in lists',
      arrayOf(
        struct([
          ['a', int],
          ['b', int],
        ]),
      ),
      [
        [1, 2],
        [3, 4],
      ],
      arrayOf(struct([['b', int]])),
      [[2], [4]],
    ],
    [
      'in maps',
      mapOf(
        text,
        struct([
          ['a', int],
          ['b', int],
        ]),
      ),
      new Map([['k', [1, 2]]]),
      mapOf(text, struct([['b', int]])),
      new Map([['k', [2]]]),
    ],
    [
      'not where it is null',
      struct([['a', struct([['b', int]], { optional: true })]]),
      [null],
      struct([['a', struct([['c', text]], { optional: true })]]),
      [null],
    ],
  ])('%s', (_title, from, value, to, expected) => {
    expect(projection(from, to)?.(value)).toEqual(expected)
  })

  it('if its schema contains itself', () => {
    const list = (name: string): Schema => {
      const fields: { name: string; index: number; schema: Schema }[] = []
      const schema: Schema = { ...struct([], { name: 'list', optional: true }), fields }
      fields.push({ name: 'tail', index: 0, schema }, { name, index: 1, schema: maybe })
      return schema
    }
    expect(projection(list('old'), list('new'))?.([[null, 1], 2])).toEqual([[null, null], null])
  })

  it('if its schema has one part often', () => {
    const doubled = (leaf: Schema): Schema => {
      let schema = leaf
      for (let i = 0; i < 60; i += 1)
        schema = struct([
          ['left', schema],
          ['right', { ...schema, optional: true }],
        ])
      return schema
    }
    expect(projection(doubled(int), doubled(primitive('INT64')))).not.toBeNull()
  })
})

describe('a value has no projection', () => {
  it.each<[string, Schema, Schema]>([
    ['to another type', text, maybe],
    ['to a narrower type', primitive('INT64'), int],
    ['to a type that loses digits', primitive('INT64'), primitive('FLOAT64')],
    ['to another meaning', int, primitive('INT32', { name: 'io.debezium.time.Date' })],
    [
      'to other parameters',
      primitive('STRING', { parameters: { allowed: 'a' } }),
      primitive('STRING', { parameters: { allowed: 'a,b' } }),
    ],
    ['to a required value without a default', maybe, int],
    ['to a required field that it lacks', struct([['a', int]]), struct([['b', int]])],
    ['of a part', arrayOf(struct([['a', text]])), arrayOf(struct([['a', int]]))],
    ['of keys', mapOf(text, int), mapOf(int, int)],
  ])('%s', (_title, from, to) => {
    expect(projection(from, to)).toBeNull()
  })
})
