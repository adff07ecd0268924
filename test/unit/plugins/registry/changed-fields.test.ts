import { arrayOf, mapOf, primitive, struct, type Schema } from 'penstock/api'
import { describe, expect, it } from 'vitest'

import { changedFields } from '../../../../plugins/converters/registry/changed-fields.ts'

const rowOf = (fields: Readonly<Record<string, Schema>>): Schema => struct(Object.entries(fields))
const int = primitive('INT32')
const text = primitive('STRING')

describe('the fields by which schemas differ', () => {
  it('are named with their path, and with what they became', () => {
    const inner = rowOf({ a: int, b: text, c: int, e: primitive('INT32', { defaultValue: 1 }) })
    const changed = rowOf({ a: text, b: primitive('STRING', { optional: true }), d: int, e: int })
    expect(changedFields(rowOf({ row: inner }), rowOf({ row: changed }))).toBe(
      'row.a: INT32 became STRING; row.b became optional; row.d was added, without a default; row.e lost its default; row.c was removed',
    )
  })

  it('are found in arrays, keys and values of maps, and the value itself', () => {
    const before = rowOf({ list: arrayOf(int), map: mapOf(text, int) })
    const after = rowOf({ list: arrayOf(text), map: mapOf(int, text) })
    expect(changedFields(before, after)).toBe(
      'list[]: INT32 became STRING; map{key}: STRING became INT32; map[]: INT32 became STRING',
    )
    expect(changedFields(int, primitive('INT64', { name: 'Time' }))).toBe('the value: INT32 became Time (INT64)')
  })

  it('are counted past the eighth, and are none for what has no schema', () => {
    const many = struct('abcdefghij'.split('').map((name) => [name, int] as const))
    expect(changedFields(many, rowOf({}))).toMatch(/^a was removed;.*h was removed and 2 more$/)
    expect(changedFields(null, many)).toBe('')
    expect(changedFields(many, many)).toBe('')
  })
})
