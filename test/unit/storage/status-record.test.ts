import { describe, expect, it } from 'vitest'
import { StatusFold } from '../../../src/storage/status-fold.ts'
import { decodeStatusRecord, encodeStatusRecord, type RunStatus } from '../../../src/storage/status-record.ts'

const running: RunStatus = { state: 'RUNNING', trace: null, workerId: 'w:1', generation: 3 }

describe('records of the status topic', () => {
  it('have the keys and values of Connect', () => {
    const failed: RunStatus = { state: 'FAILED', trace: 'Error: "x"\n\tat y', workerId: 'w:1', generation: 0 }
    const use = { topic: 't', connector: 'a', task: 1, discoverTimestamp: 9 }
    expect([
      encodeStatusRecord({ type: 'connector', connector: 'a', status: running }),
      encodeStatusRecord({ type: 'task', connector: 'a', task: 2, status: failed }),
      encodeStatusRecord({ type: 'topic', topic: 't', connector: 'a', use }),
      encodeStatusRecord({ type: 'task', connector: 'a', task: 2, status: null }),
    ]).toEqual([
      { key: 'status-connector-a', value: '{"state":"RUNNING","trace":null,"worker_id":"w:1","generation":3}' },
      {
        key: 'status-task-a-2',
        value: '{"state":"FAILED","trace":"Error: \\"x\\"\\n\\tat y","worker_id":"w:1","generation":0}',
      },
      {
        key: 'status-topic-t:connector-a',
        value: '{"topic":{"name":"t","connector":"a","task":1,"discoverTimestamp":9}}',
      },
      { key: 'status-task-a-2', value: null },
    ])
  })

  it('are read with members of later versions, and without a trace', () => {
    const value = '{"state":"RUNNING","worker_id":"w:1","generation":3,"version":"1.0"}'
    expect(decodeStatusRecord('status-connector-a', value)).toEqual({
      type: 'connector',
      connector: 'a',
      status: running,
    })
    expect(decodeStatusRecord('status-topic-t:connector-x:connector-y', null)).toEqual({
      type: 'topic',
      topic: 't',
      connector: 'x:connector-y',
      use: null,
    })
  })

  for (const [key, value] of [
    [null, '{}'],
    ['other', '{}'],
    ['status-connector-a', 'x'],
    ['status-connector-a', '[]'],
    ['status-connector-a', '{"state":"DANCING","worker_id":"w","generation":1}'],
    ['status-connector-a', '{"state":"RUNNING","generation":1}'],
    ['status-connector-a', '{"state":"RUNNING","worker_id":"w","generation":"1"}'],
    ['status-connector-a', '{"state":"RUNNING","worker_id":"w","generation":1,"trace":5}'],
    ['status-task-a', '{}'],
    ['status-topic-t', '{}'],
    ['status-topic-t:connector-a', '{}'],
    ['status-topic-t:connector-a', '{"topic":{}}'],
  ] as const) {
    it(`are refused with a reason: ${key ?? 'null'} ${value}`, () => {
      expect(() => decodeStatusRecord(key, value)).toThrow(/^its |^it |^members? |not a state/)
    })
  }
})

describe('the fold of the status topic', () => {
  it('does not let a task be given up by a worker that is late (I3)', () => {
    const fold = new StatusFold()
    const task = (status: RunStatus | null) => ({ type: 'task', connector: 'a', task: 0, status }) as const
    fold.apply(task(running))
    expect(fold.apply(task({ ...running, state: 'UNASSIGNED', generation: 3 }))).toBe(false)
    expect(fold.task('a', 0)?.state).toBe('RUNNING')
    expect(fold.apply(task({ ...running, state: 'UNASSIGNED', generation: 4 }))).toBe(true)
    expect(fold.task('a', 0)?.state).toBe('UNASSIGNED')
    fold.apply(task(null))
    expect(fold.connectors()).toEqual([])
    expect(fold.apply(task({ ...running, state: 'UNASSIGNED' }))).toBe(true)
  })

  it('knows topics by connector and forgets them', () => {
    const fold = new StatusFold()
    const use = { topic: 't', connector: 'a', task: 1, discoverTimestamp: 9 }
    fold.apply({ type: 'topic', topic: 't', connector: 'a', use })
    expect(fold.topic('a', 't')).toEqual(use)
    expect(fold.topics('b')).toEqual([])
    fold.apply({ type: 'topic', topic: 't', connector: 'a', use: null })
    expect(fold.topics('a')).toEqual([])
  })
})
