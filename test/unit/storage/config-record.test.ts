import { describe, expect, it } from 'vitest'
import { decodeConfigRecord, encodeConfigRecord } from '../../../src/storage/config-record.ts'

describe('records of the config topic', () => {
  it('have the keys and values of Connect', () => {
    const connector = 'a-b'
    expect([
      encodeConfigRecord({ type: 'connector', connector, config: { b: 'ü"\n', a: '1' } }),
      encodeConfigRecord({ type: 'task', connector, task: 3, config: { a: '1' } }),
      encodeConfigRecord({ type: 'commit', connector, tasks: 4 }),
      encodeConfigRecord({ type: 'target-state', connector, state: 'PAUSED' }),
      encodeConfigRecord({ type: 'target-state', connector, state: 'STOPPED' }),
      encodeConfigRecord({ type: 'target-state', connector, state: null }),
      encodeConfigRecord({ type: 'restart', connector, includeTasks: true, onlyFailed: false }),
      encodeConfigRecord({ type: 'tasks-fencing', connector, tasks: 2 }),
      encodeConfigRecord({ type: 'session-key', key: 'AA==', algorithm: 'HmacSHA256', creationTimestamp: 5 }),
      encodeConfigRecord({ type: 'logger-level', logger: 'x.y', level: 'DEBUG' }),
    ]).toEqual([
      { key: 'connector-a-b', value: '{"properties":{"b":"ü\\"\\n","a":"1"}}' },
      { key: 'task-a-b-3', value: '{"properties":{"a":"1"}}' },
      { key: 'commit-a-b', value: '{"tasks":4}' },
      { key: 'target-state-a-b', value: '{"state":"PAUSED","state.v2":"PAUSED"}' },
      { key: 'target-state-a-b', value: '{"state":"PAUSED","state.v2":"STOPPED"}' },
      { key: 'target-state-a-b', value: null },
      { key: 'restart-connector-a-b', value: '{"include-tasks":true,"only-failed":false}' },
      { key: 'tasks-fencing-a-b', value: '{"task-count":2}' },
      { key: 'session-key', value: '{"key":"AA==","algorithm":"HmacSHA256","creation-timestamp":5}' },
      { key: 'logger-cluster-x.y', value: '{"level":"DEBUG"}' },
    ])
  })

  it("are read whatever the member order, and by old workers' members", () => {
    expect(decodeConfigRecord('target-state-a', '{"state":"PAUSED"}')).toMatchObject({ state: 'PAUSED' })
    expect(decodeConfigRecord('target-state-a', '{"state.v2":1,"state":"STARTED"}')).toMatchObject({ state: 'STARTED' })
    expect(decodeConfigRecord('restart-connector-a', '{"only-failed":"yes"}')).toEqual({
      type: 'restart',
      connector: 'a',
      onlyFailed: false,
      includeTasks: false,
    })
    expect(decodeConfigRecord('task-with-dash-12', '{"properties":{}}')).toMatchObject({
      connector: 'with-dash',
      task: 12,
    })
  })

  it('mean nothing as tombstones of what is never removed', () => {
    expect(decodeConfigRecord('session-key', null)).toBeNull()
    expect(decodeConfigRecord('restart-connector-a', null)).toBeNull()
    expect(decodeConfigRecord('logger-cluster-a', null)).toBeNull()
    expect(decodeConfigRecord('connector-a', null)).toEqual({ type: 'connector', connector: 'a', config: null })
  })

  const garbage: readonly (readonly [string | null, string | null, RegExp])[] = [
    [null, '{}', /no key/],
    ['something', '{}', /none of those/],
    ['connector-a', 'not json', /not JSON/],
    ['connector-a', '[1]', /not an object/],
    ['connector-a', '{"properties":{"password":5}}', /property "password" is .*not a string/],
    ['connector-a', '{"config":{}}', /"properties"/],
    ['task-a', '{"properties":{}}', /number of a task/],
    ['commit-a', '{"tasks":"2"}', /not a count/],
    ['commit-a', '{"tasks":-1}', /not a count/],
    ['target-state-a', '{"state":"BROKEN"}', /not a target state/],
    ['session-key', '{"key":"a","algorithm":"b","creation-timestamp":"c"}', /not a number/],
    ['logger-cluster-a', '{}', /"level"/],
  ]
  for (const [key, value, reason] of garbage) {
    it(`are refused with the reason: ${key ?? 'null'} ${value ?? 'null'}`, () => {
      expect(() => decodeConfigRecord(key, value)).toThrow(reason)
    })
  }

  it('never name a value that cannot be read (I8)', () => {
    expect(() => decodeConfigRecord('connector-a', '{"properties": secret')).not.toThrow(/secret/)
    expect(() => decodeConfigRecord('connector-a', '{"properties":{"password":12345}}')).not.toThrow(/12345/)
  })
})
