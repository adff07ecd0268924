import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { ConfigFold } from '../../src/herder/config-fold.ts'
import { partitionForKey } from '../../src/protocol/murmur2.ts'
import { decodeConfigRecord, encodeConfigRecord } from '../../src/storage/config-record.ts'
import { decodeOffsetRecord, encodeOffsetKey, encodeOffsetValue } from '../../src/storage/source-offset-record.ts'
import { StatusFold } from '../../src/storage/status-fold.ts'
import { decodeStatusRecord, encodeStatusRecord } from '../../src/storage/status-record.ts'

interface Recorded {
  readonly topic: string
  readonly offset: number
  readonly key: string
  readonly value: string | null
}

// What Kafka Connect 3.9.1 wrote while the exchanges of rest.jsonl were made.
const recorded = readFileSync(new URL('rest-3.9.1/internal-topics.jsonl', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as Recorded)

function of(topic: string): Recorded[] {
  return recorded.filter((record) => record.topic === topic)
}

describe("Connect's internal topics", () => {
  it('are read and written back byte for byte', () => {
    for (const { key, value } of of('connect-configs')) {
      const record = decodeConfigRecord(key, value)
      expect(record === null ? null : encodeConfigRecord(record)).toEqual({ key, value })
    }
    for (const { key, value } of of('connect-status'))
      expect(encodeStatusRecord(decodeStatusRecord(key, value))).toEqual({ key, value })
    for (const { key, value } of of('connect-offsets')) {
      const { connector, partition, offset } = decodeOffsetRecord(key, value)
      expect([encodeOffsetKey(connector, partition), encodeOffsetValue(offset)]).toEqual([key, value])
    }
    expect(recorded).toHaveLength(263)
  })

  it('leave the connectors that were not deleted', () => {
    const fold = new ConfigFold()
    const live = new Set<string>()
    for (const { key, value, offset } of of('connect-configs')) {
      const record = decodeConfigRecord(key, value)
      if (record?.type === 'connector') live[record.config === null ? 'delete' : 'add'](record.connector)
      if (record === null || record.type === 'session-key' || record.type === 'logger-level') fold.skip(offset)
      else if (record.type !== 'tasks-fencing') fold.apply(record, offset)
    }
    expect(fold.connectors().toSorted()).toEqual([...live].toSorted())
    expect(fold.connectors()).toEqual(['sp ace'])
    expect(fold.tasks('sp ace')).toHaveLength(1)
    expect(fold.targetState('sp ace')).toBe('STARTED')
    expect(fold.offset).toBe(93)
  })

  it('leave the statuses of what runs', () => {
    const fold = new StatusFold()
    for (const { key, value } of of('connect-status')) fold.apply(decodeStatusRecord(key, value))
    expect(fold.connectors()).toEqual(['sp ace'])
    expect(fold.connector('sp ace')?.state).toBe('RUNNING')
    expect(fold.task('sp ace', 0)).toMatchObject({ state: 'RUNNING', workerId: '127.0.0.1:28083' })
    expect(fold.topics('sp ace').map(({ topic }) => topic)).toEqual(['t-src'])
  })

  it('put keys where the Java producer puts them', () => {
    const placed = (key: string, partitions: number): number => partitionForKey(Buffer.from(key), partitions)
    expect(placed('status-connector-foo', 5)).toBe(3)
    expect(placed('status-task-foo-0', 5)).toBe(1)
    expect(placed('status-topic-t1:connector-foo', 5)).toBe(4)
    expect(placed(encodeOffsetKey('foo', { file: '/tmp/a' }), 25)).toBe(8)
  })
})
