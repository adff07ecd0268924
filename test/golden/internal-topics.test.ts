import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { ClusterConfigState } from '../../src/herder/state/cluster-config-state.ts'
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
    const configState = new ClusterConfigState()
    const live = new Set<string>()
    for (const { key, value, offset } of of('connect-configs')) {
      const record = decodeConfigRecord(key, value)
      if (record?.type === 'connector') live[record.config === null ? 'delete' : 'add'](record.connector)
      if (record === null || record.type === 'session-key' || record.type === 'logger-level') configState.skip(offset)
      else if (record.type !== 'tasks-fencing') configState.apply(record, offset)
    }
    expect(configState.connectors().toSorted()).toEqual([...live].toSorted())
    expect(configState.connectors()).toEqual(['sp ace'])
    expect(configState.tasks('sp ace')).toHaveLength(1)
    expect(configState.targetState('sp ace')).toBe('STARTED')
    expect(configState.offset).toBe(93)
  })

  it('leave the statuses of what runs', () => {
    const statuses = new StatusFold()
    for (const { key, value } of of('connect-status')) statuses.apply(decodeStatusRecord(key, value))
    expect(statuses.connectors()).toEqual(['sp ace'])
    expect(statuses.connector('sp ace')?.state).toBe('RUNNING')
    expect(statuses.task('sp ace', 0)).toMatchObject({ state: 'RUNNING', workerId: '127.0.0.1:28083' })
    expect(statuses.topics('sp ace').map(({ topic }) => topic)).toEqual(['t-src'])
  })

  it('put keys where the Java producer puts them', () => {
    const placed = (key: string, partitions: number): number => partitionForKey(Buffer.from(key), partitions)
    expect(placed('status-connector-foo', 5)).toBe(3)
    expect(placed('status-task-foo-0', 5)).toBe(1)
    expect(placed('status-topic-t1:connector-foo', 5)).toBe(4)
    expect(placed(encodeOffsetKey('foo', { file: '/tmp/a' }), 25)).toBe(8)
  })
})
