import { describe, expect, it } from 'vitest'

import { ClusterConfigState } from '../../../../src/herder/state/cluster-config-state.ts'

const config = { 'connector.class': 'X', name: 'a' }

function fold(...records: Parameters<ClusterConfigState['apply']>[0][]): ClusterConfigState {
  const result = new ClusterConfigState()
  for (const record of records) result.apply(record, result.offset)
  return result
}

describe('the fold of the config topic (I4)', () => {
  it('shows task configs once they are committed as a whole', () => {
    const state = fold(
      { type: 'connector', connector: 'a', config },
      { type: 'task', connector: 'a', task: 0, config: { n: '0' } },
      { type: 'task', connector: 'a', task: 1, config: { n: '1' } },
    )
    expect(state.tasks('a')).toEqual([])
    expect(state.apply({ type: 'commit', connector: 'a', tasks: 2 }, 3)).toEqual({ type: 'tasks', connector: 'a' })
    expect(state.tasks('a')).toEqual([{ n: '0' }, { n: '1' }])
    expect(state.appliedConfig('a')).toBe(config)
    expect(state.taskGeneration({ connector: 'a', task: 1 })).toBe(3)
    expect(state.offset).toBe(4)
  })

  it('takes a commit whose task records were compacted away as inconsistent, without tasks', () => {
    const state = fold(
      { type: 'connector', connector: 'a', config },
      { type: 'task', connector: 'a', task: 1, config: { n: '1' } },
      { type: 'commit', connector: 'a', tasks: 2 },
    )
    expect(state.isInconsistent('a')).toBe(true)
    expect(state.tasks('a')).toEqual([])
    expect(state.taskCount('a')).toBe(2)
  })

  it('ignores task records beyond the committed number', () => {
    const state = fold(
      { type: 'connector', connector: 'a', config },
      { type: 'task', connector: 'a', task: 0, config: { n: '0' } },
      { type: 'task', connector: 'a', task: 5, config: { n: 'old' } },
      { type: 'commit', connector: 'a', tasks: 1 },
    )
    expect(state.tasks('a')).toEqual([{ n: '0' }])
    expect(state.isInconsistent('a')).toBe(false)
  })

  it('forgets the tasks of a connector that was removed, and what comes for it later', () => {
    const state = fold(
      { type: 'connector', connector: 'a', config },
      { type: 'task', connector: 'a', task: 0, config: { n: '0' } },
      { type: 'commit', connector: 'a', tasks: 1 },
      { type: 'connector', connector: 'a', config: null },
      { type: 'task', connector: 'a', task: 0, config: { n: 'late' } },
      { type: 'commit', connector: 'a', tasks: 1 },
    )
    expect(state.connectors()).toEqual([])
    expect(state.tasks('a')).toEqual([])
  })

  it('takes a target state that is written before its connector', () => {
    const state = new ClusterConfigState()
    expect(state.apply({ type: 'target-state', connector: 'a', state: 'STOPPED' }, 0)).toBeNull()
    state.apply({ type: 'connector', connector: 'a', config }, 1)
    expect(state.targetState('a')).toBe('STOPPED')
    state.apply({ type: 'target-state', connector: 'a', state: null }, 2)
    expect(state.targetState('a')).toBe('STARTED')
  })
})
