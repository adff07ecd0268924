import { expect, it } from 'vitest'
import { SnapshotRows, type Stored } from '../../../../connectors/elasticsearch-sink/stored-values/snapshot-rows.ts'

const snapshot = 7n
const row = (body: string, version: bigint = snapshot): Stored => ({ source: { body }, version })

it('a document of a snapshot is kept, also when a change has overwritten or deleted it', () => {
  const rows = new SnapshotRows()
  const read = row('a')
  expect(rows.of('i', 'k', read, snapshot)).toBe(read)
  expect(rows.of('i', 'k', row('b', 8n), snapshot)).toBe(read)
  expect(rows.of('i', 'k', null, snapshot)).toBe(read)
  expect(rows.of('i', 'other', row('b', 8n), snapshot)).toBeNull()
  expect(rows.of('i', 'k', null, 6n)).toBeNull()
})

it('an index forgets its documents when its changes have passed the snapshot', () => {
  const rows = new SnapshotRows()
  rows.of('i', 'k', row('a'), snapshot)
  rows.of('j', 'k', row('b'), snapshot)
  expect(rows.of('i', 'k', row('a'), null)).toBeNull()
  expect(rows.of('i', 'k', null, snapshot)).toBeNull()
  expect(rows.of('j', 'k', null, snapshot)).toEqual(row('b'))
})

it('the oldest documents are dropped when they exceed the memory limit, whatever their index (I10)', () => {
  const rows = new SnapshotRows(3 * JSON.stringify({ body: 'x' }).length)
  const keys = [1, 2, 3, 4, 5]
  for (const key of keys) rows.of(key < 3 ? 'i' : 'j', String(key), row('x'), snapshot)
  const left = keys.filter((key) => rows.of(key < 3 ? 'i' : 'j', String(key), null, snapshot) !== null)
  expect(left).toEqual([3, 4, 5])
  expect(rows.of('j', 'large', row('x'.repeat(100)), snapshot)).not.toBeNull()
  expect(rows.of('j', 'large', null, snapshot)).toBeNull()
})
