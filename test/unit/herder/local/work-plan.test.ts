import { describe, expect, it } from 'vitest'

import { ClusterConfigState } from '../../../../src/herder/state/cluster-config-state.ts'
import { planWork, type RunningWork } from '../../../../src/herder/local/work-plan.ts'

const config = { name: 'a' }
const task = { connector: 'a', task: 0 }
const assigned = { connectors: ['a'], tasks: [task] }
const nothing: RunningWork = { connectors: new Map(), tasks: new Map() }

function started(): ClusterConfigState {
  const fold = new ClusterConfigState()
  fold.apply({ type: 'connector', connector: 'a', config }, 0)
  fold.apply({ type: 'task', connector: 'a', task: 0, config: {} }, 1)
  fold.apply({ type: 'commit', connector: 'a', tasks: 1 }, 2)
  return fold
}

function running(overrides: { paused?: boolean; targetState?: 'STARTED' | 'PAUSED' } = {}): RunningWork {
  return {
    connectors: new Map([['a', { config, targetState: overrides.targetState ?? 'STARTED' }]]),
    tasks: new Map([['a-0', { id: task, generation: 2, paused: overrides.paused ?? false }]]),
  }
}

const idle = { stopTasks: [], stopConnectors: [], startConnectors: [], startTasks: [], pauseTasks: [], resumeTasks: [] }

describe('the plan of a worker', () => {
  it('is empty when everything runs as it should', () => {
    expect(planWork(started(), assigned, running())).toEqual(idle)
  })

  it('starts what is assigned and does not run', () => {
    expect(planWork(started(), assigned, nothing)).toEqual({ ...idle, startConnectors: ['a'], startTasks: [task] })
  })

  it('stops what is not assigned any more', () => {
    const plan = planWork(started(), { connectors: [], tasks: [] }, running())
    expect(plan).toEqual({ ...idle, stopConnectors: ['a'], stopTasks: [task] })
  })

  it('starts a task again when another config was committed for it, and no other task', () => {
    const fold = started()
    fold.apply({ type: 'task', connector: 'a', task: 0, config: {} }, 3)
    fold.apply({ type: 'task', connector: 'a', task: 1, config: {} }, 4)
    fold.apply({ type: 'commit', connector: 'a', tasks: 2 }, 5)
    expect(planWork(fold, assigned, running())).toEqual(idle)
    fold.apply({ type: 'task', connector: 'a', task: 0, config: { n: '1' } }, 6)
    fold.apply({ type: 'task', connector: 'a', task: 1, config: {} }, 7)
    fold.apply({ type: 'commit', connector: 'a', tasks: 2 }, 8)
    expect(planWork(fold, assigned, running())).toEqual({ ...idle, stopTasks: [task], startTasks: [task] })
  })

  it('starts tasks again when the connector config that they read has changed', () => {
    const fold = started()
    fold.apply({ type: 'connector', connector: 'a', config: { ...config, more: '1' } }, 3)
    fold.apply({ type: 'task', connector: 'a', task: 0, config: {} }, 4)
    fold.apply({ type: 'commit', connector: 'a', tasks: 1 }, 5)
    expect(planWork(fold, assigned, running()).startTasks).toEqual([task])
  })

  it('starts tasks again of a connector that was deleted and created with equal configs', () => {
    const fold = started()
    fold.apply({ type: 'connector', connector: 'a', config: null }, 3)
    fold.apply({ type: 'connector', connector: 'a', config }, 4)
    fold.apply({ type: 'task', connector: 'a', task: 0, config: {} }, 5)
    fold.apply({ type: 'commit', connector: 'a', tasks: 1 }, 6)
    expect(planWork(fold, assigned, running()).startTasks).toEqual([task])
  })

  it('starts a connector again for every config record, and leaves its tasks until theirs come', () => {
    const fold = started()
    fold.apply({ type: 'connector', connector: 'a', config: { ...config } }, 3)
    expect(planWork(fold, assigned, running())).toEqual({ ...idle, startConnectors: ['a'] })
  })

  it('pauses and resumes tasks where they are', () => {
    const fold = started()
    fold.apply({ type: 'target-state', connector: 'a', state: 'PAUSED' }, 3)
    expect(planWork(fold, assigned, running())).toEqual({ ...idle, startConnectors: ['a'], pauseTasks: [task] })
    fold.apply({ type: 'target-state', connector: 'a', state: 'STARTED' }, 4)
    expect(planWork(fold, assigned, running({ paused: true, targetState: 'PAUSED' }))).toEqual({
      ...idle,
      startConnectors: ['a'],
      resumeTasks: [task],
    })
  })

  it('runs no task of a stopped connector', () => {
    const fold = started()
    fold.apply({ type: 'target-state', connector: 'a', state: 'STOPPED' }, 3)
    expect(planWork(fold, assigned, running())).toEqual({ ...idle, startConnectors: ['a'], stopTasks: [task] })
  })
})
