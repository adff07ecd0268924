import { noHeaders, type SourceOffset, type SourceRecord } from 'penstock/api'
import { describe, expect, it } from 'vitest'
import {
  commitOffset,
  rowOffset,
  snapshotOffset,
} from '../../../../connectors/postgres-source/offsets/source-offset.ts'
import { PendingChanges } from '../../../../connectors/postgres-source/offsets/pending-changes.ts'

function record(sourceOffset: SourceOffset): SourceRecord {
  return {
    topic: 't', partition: null, keySchema: null, key: null, valueSchema: null, value: null, timestamp: null,
    headers: noHeaders, sourcePartition: { server: 'p' }, sourceOffset,
  } // prettier-ignore
}

const line = { system: '7412', timeline: '1', epoch: 1 }
const row = (lsn: number, micros: number): SourceOffset =>
  rowOffset({ type: 'INSERT', lsn, lsnCommit: 1, txId: 7, micros, nth: 1 }, line)
const read = (last: boolean): SourceOffset => snapshotOffset(line, { lsn: 10, txId: 1, micros: 500 }, last)

describe('the commit time of the oldest change that is not durable', () => {
  it('is null before the first record and after the last one is durable', () => {
    const undurable = new PendingChanges()
    undurable.onPolled([])
    expect(undurable.oldestCommitMicros).toBeNull()
    undurable.onPolled([record(row(10, 1000)), record(row(20, 2000))])
    expect(undurable.oldestCommitMicros).toBe(1000)
    undurable.onDurable(row(20, 2000))
    expect(undurable.oldestCommitMicros).toBeNull()
  })

  it('stays at the first batch while others follow, and advances with what is durable', () => {
    const undurable = new PendingChanges()
    undurable.onPolled([record(row(10, 1000))])
    undurable.onPolled([record(row(20, 2000)), record(row(30, 3000))])
    expect(undurable.oldestCommitMicros).toBe(1000)
    undurable.onDurable(row(20, 2000))
    expect(undurable.oldestCommitMicros).toBe(2000)
  })

  it('starts with the first change after an idle time', () => {
    const undurable = new PendingChanges()
    undurable.onPolled([record(row(10, 1000))])
    undurable.onDurable(row(10, 1000))
    undurable.onDurable(commitOffset(15, 7, 1500, line))
    undurable.onPolled([record(row(20, 9_000_000))])
    undurable.onDurable(commitOffset(15, 7, 1500, line))
    expect(undurable.oldestCommitMicros).toBe(9_000_000)
  })

  it('uses the time of the snapshot for its rows', () => {
    const undurable = new PendingChanges()
    undurable.onPolled([record(read(false)), record(read(true))])
    undurable.onDurable(read(false))
    expect(undurable.oldestCommitMicros).toBe(500)
    undurable.onDurable(JSON.parse(JSON.stringify(read(true))) as SourceOffset)
    expect(undurable.oldestCommitMicros).toBeNull()
  })
})
