import { describe, expect, it } from 'vitest'

import { compact, exactJson, indented } from '../../../dashboard/model/records/exact-json.ts'
import { changeOf, summaryOf, withNewer, type TopicRecord } from '../../../dashboard/model/records/record-change.ts'

const record = (value: unknown, over: Partial<TopicRecord> = {}): TopicRecord => ({
  partition: 0,
  offset: 1,
  timestamp: null,
  key: null,
  value,
  headers: [],
  schema: { key: null, value: null },
  ...over,
})
const update = { op: 'u', before: { id: 7, status: 'new', note: null }, after: { id: 7, status: 'paid', note: null } }

describe('JSON of records', () => {
  it('keeps all digits of integers', () => {
    const value = exactJson('{"a":9007199254740993,"b":[-1,1.5],"c":{}}')
    expect(compact(value)).toBe('{"a":9007199254740993,"b":[-1,1.5],"c":{}}')
    expect(indented(value)).toBe('{\n  "a": 9007199254740993,\n  "b": [\n    -1,\n    1.5\n  ],\n  "c": {}\n}')
  })
})

describe('a change event', () => {
  it('has the columns of its row, and marks those that an update changed', () => {
    expect(changeOf(update)).toEqual({
      operation: 'update',
      hasBefore: true,
      columns: [
        { column: 'id', before: 7, after: 7, isChanged: false },
        { column: 'status', before: 'new', after: 'paid', isChanged: true },
        { column: 'note', before: null, after: null, isChanged: false },
      ],
    })
  })

  it('marks nothing where the row before the change is not known', () => {
    expect(changeOf({ ...update, before: null })).toMatchObject({
      hasBefore: false,
      columns: [{ isChanged: false }, { isChanged: false }, { isChanged: false }],
    })
  })

  it.each([{ op: 'u' }, { op: 'x', after: {} }, 'c', null, [update]])('is not %j', (value) => {
    expect(changeOf(value)).toBeNull()
  })
})

it.each([
  ['the changed columns of an update', record(update), 'status: new → paid'],
  ['the row of an insert', record({ op: 'c', before: null, after: { id: 1 } }), 'id: 1'],
  ['the row that was deleted', record({ op: 'd', before: { id: 1 }, after: null }), 'id: 1'],
  ['its value', record({ a: [1] }), '{"a":[1]}'],
  ['a text as it is', record('a "b"'), 'a "b"'],
  ['that it is a tombstone', record(null), 'tombstone'],
  ['why it cannot be read', record(null, { error: 'no JSON' }), 'no JSON'],
])('a record says %s on one line', (_, shown, text) => {
  expect(summaryOf(shown)).toBe(text)
})

it('newer records stand above older ones, each once, up to a limit', () => {
  const [a, b, c] = [1, 2, 3].map((offset) => record(null, { offset }))
  if (a === undefined || b === undefined || c === undefined) throw new Error('three records')
  const shown = withNewer([], [a, b], 2)
  expect(shown).toEqual([b, a])
  expect(withNewer(shown, [b, c], 2)).toEqual([c, b])
  expect(withNewer(shown, [b], 2)).toBe(shown)
})
