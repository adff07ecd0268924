import { struct, primitive, type SourceRecord } from 'penstock/api'
import { describe, expect, it } from 'vitest'

import {
  RecordBuilder,
  type ChangeContext,
  type ChangedRow,
} from '../../../../connectors/postgres-source/records/record-builder.ts'
import type { Row } from '../../../../connectors/postgres-source/replication/row-reader.ts'
import type { TableShape } from '../../../../connectors/postgres-source/schema/table-shape.ts'
import { ManualClock } from '../../../support/manual-clock.ts'

const shape = {
  schema: 'public',
  name: 'orders',
  topic: 'shop.public.orders',
  keySchema: struct([['id', primitive('INT32')]]),
} as unknown as TableShape
const [before, offset] = [{ lsn: 1 }, { lsn: 2 }]
const context: ChangeContext = {
  snapshot: 'false',
  sequence: '["1","2"]',
  lsn: 2,
  txId: 7,
  micros: 1,
  version: 5n,
  ahead: null,
  offset,
  offsetBefore: before,
}
const row = (id: number): Row => ({ kind: 'new', values: [id], key: [id] })
const change = (old: Row | null, after: Row | null): ChangedRow => ({ old, row: after, lost: null, unknownKey: null })

function builder(tombstones: boolean): RecordBuilder {
  const identity = {
    prefix: 'shop',
    database: 'shop',
    taskId: '0',
    connectorVersion: '1',
    extendedHeaders: false,
    tombstones,
    messages: {} as never,
  }
  return new RecordBuilder(identity, new ManualClock())
}

/** Key, kind and offset of each record. */
function shown(records: readonly SourceRecord[]): readonly unknown[] {
  return records.map(({ key, value, sourceOffset }) => {
    const kind = Array.isArray(value) ? value[4] : 'tombstone'
    return [key, kind, sourceOffset]
  })
}

describe('the records of a change', () => {
  it('carry the offset of the change on the last of them only: a crash between two repeats the change (I2)', () => {
    expect(shown(builder(true).deletion(shape, change(row(1), null), context))).toEqual([
      [[1], 'd', before],
      [[1], 'tombstone', offset],
    ])
    expect(shown(builder(true).keyChange(shape, change(row(1), row(2)), context))).toEqual([
      [[1], 'd', before],
      [[1], 'tombstone', before],
      [[2], 'c', offset],
    ])
  })

  it('are one less without tombstones, with the offset of the change on the last one all the same', () => {
    expect(shown(builder(false).deletion(shape, change(row(1), null), context))).toEqual([[[1], 'd', offset]])
    expect(shown(builder(false).keyChange(shape, change(row(1), row(2)), context))).toEqual([
      [[1], 'd', before],
      [[2], 'c', offset],
    ])
  })

  it('carry the version of the change, the tombstone included', () => {
    const records = builder(true).keyChange(shape, change(row(1), row(2)), context)
    expect(records.map(({ headers }) => headers.find(({ key }) => key === '__penstock.version')?.value)).toEqual([
      5n,
      5n,
      5n,
    ])
  })
})
