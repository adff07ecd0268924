import { describe, expect, it } from 'vitest'

import { nothingAssigned } from '../../../src/herder/group/assignment.ts'
import { present } from '../../../src/foundation/assert.ts'
import { config, herd, signal } from '../../support/rest/herder-harness.ts'
import { untilPasses } from '../../support/until.ts'

const task = { connector: 'a', task: 0 }

describe('the states that a herder writes', () => {
  it('are written as UNASSIGNED for what ran when the worker stops', async () => {
    const { herder, statuses, running } = await herd()
    await running()
    await herder.stopWork()
    // As in Connect, readers still show the task RUNNING: an UNASSIGNED of the same generation does not replace that.
    expect(statuses.writes.toSorted()).toEqual(['a UNASSIGNED', 'a-0 UNASSIGNED'])
  })

  it('stay FAILED for a failed task when its worker stops: no one has restarted it', async () => {
    const { herder, statuses, worker, running } = await herd()
    await running()
    worker.taskListener.onTaskFailed(present(worker.running.get('a-0'), 'the task'), 'Error: down', 'task')
    await herder.stopWork()
    expect(worker.running.size).toBe(0)
    expect(statuses.task(task)).toMatchObject({ state: 'FAILED', trace: 'Error: down' })
  })

  it('are removed for a deleted connector with the next record of the config topic, without a rebalance', async () => {
    const { statuses, configs, running } = await herd()
    await running()
    // A late status, of a worker that had not read the deletion.
    statuses.putTask({ connector: 'gone', task: 3 }, 'UNASSIGNED', null)
    statuses.putConnector('gone', 'UNASSIGNED', null)
    await configs.append({ type: 'target-state', connector: 'a', state: 'PAUSED' })
    await untilPasses(() => expect(statuses.known()).toEqual({ connectors: ['a'], tasks: [task] }))
  })

  it('are removed for a deleted connector when a worker becomes the leader', async () => {
    const { handlers, statuses, running } = await herd()
    await running()
    statuses.putTask({ connector: 'gone', task: 3 }, 'UNASSIGNED', null)
    statuses.putConnector('gone', 'UNASSIGNED', null)
    const { work } = handlers.snapshot()
    await handlers.onMembership({ generation: 100, isLeader: true, leaderUrl: 'http://leader/', isSigned: false, work })
    expect(statuses.known()).toEqual({ connectors: ['a'], tasks: [task] })
  })

  it('are removed for tasks that a connector no longer has', async () => {
    const { herder, statuses, worker } = await herd()
    worker.taskCount = 2
    await herder.createConnector('a', { ...config, 'tasks.max': '2' }, null, signal)
    await untilPasses(() => expect(statuses.task({ connector: 'a', task: 1 })?.state).toBe('RUNNING'))
    worker.taskCount = 1
    await herder.putConnectorConfig('a', config, signal)
    await untilPasses(() => expect(statuses.known().tasks).toEqual([task]))
    await untilPasses(() => expect(statuses.task(task)?.state).toBe('RUNNING'))
  })

  it('are not removed by a follower: the leader may have read further in the config topic', async () => {
    const { handlers, statuses, configs } = await herd({ isLeader: false })
    statuses.putConnector('gone', 'UNASSIGNED', null)
    await configs.append({ type: 'connector', connector: 'other', config })
    await handlers.onMembership({
      generation: 100,
      isLeader: false,
      leaderUrl: 'http://leader/',
      isSigned: false,
      work: nothingAssigned,
    })
    expect(statuses.known().connectors).toContain('gone')
  })
})
