import { describe, expect, it } from 'vitest'

import { changesKey, keyTexts, type RowText } from '../../../../connectors/postgres-source/records/unreadable-row.ts'

const names = ['id', 'constructor', 'toString', '__proto__']
/** A table whose columns are all in its key. */
const shape = { keyCount: names.length, plans: names.map((name, keyIndex) => ({ name, keyIndex })) }
const rowOf = (entries: readonly (readonly [string, string])[]): RowText => Object.fromEntries(entries)

describe('the key of a row that cannot be read', () => {
  it('has null for a column that the WAL does not hold, whatever its name', () => {
    const key = keyTexts({ before: null, after: rowOf([['id', '1']]) }, shape)
    expect(Object.entries(key ?? {})).toEqual(names.map((name) => [name, name === 'id' ? '1' : null]))
  })

  it('changes with a column of such a name, and only then', () => {
    const error = new RangeError('NaN')
    const before = rowOf(names.map((name) => [name, 'a']))
    const changed = names.map((name) => ({ before, after: { ...before, ...rowOf([[name, 'b']]) }, error }))
    expect(changed.map((row) => changesKey(row, shape))).toEqual(names.map(() => true))
    expect(changesKey({ before, after: before, error }, shape)).toBe(false)
  })
})
