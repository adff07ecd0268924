import { describe, expect, it } from 'vitest'

import { noWork } from '../../../src/herder/group/assignment.ts'
import { present } from '../../../src/foundation/assert.ts'
import { config, herd, signal } from '../../support/rest/herder-harness.ts'
import { untilPasses } from '../../support/until.ts'

const task = { connector: 'a', task: 0 }

describe('the states that a herder writes', () => {
  it('say UNASSIGNED of what ran when the worker stops', async () => {
    const { herder, statuses, running } = await herd()
    await running()
    await herder.stop()
    expect([statuses.connector('a')?.state, statuses.task(task)?.state]).toEqual(['UNASSIGNED', 'UNASSIGNED'])
  })

  it('keep the failure of a task when its worker stops: no one has restarted it', async () => {
    const { herder, statuses, worker, running } = await herd()
    await running()
    herder.local.taskFailed(present(worker.running.get('a-0'), 'the task'), 'Error: down', 'task')
    await herder.stop()
    expect(worker.running.size).toBe(0)
    expect(statuses.task(task)).toMatchObject({ state: 'FAILED', trace: 'Error: down' })
  })

  it('go with the next record of the config topic when they are of what is deleted, without a round of the group', async () => {
    const { statuses, append, running } = await herd()
    await running()
    // A late state, of a worker that had not seen the deletion.
    statuses.putTask({ connector: 'gone', task: 3 }, 'UNASSIGNED', null)
    statuses.putConnector('gone', 'UNASSIGNED', null)
    await append({ type: 'target-state', connector: 'a', state: 'PAUSED' })
    await untilPasses(() => expect(statuses.known()).toEqual({ connectors: ['a'], tasks: [task] }))
  })

  it('go when a worker comes to lead and finds those of what is deleted', async () => {
    const { herder, statuses, running } = await herd()
    await running()
    statuses.putTask({ connector: 'gone', task: 3 }, 'UNASSIGNED', null)
    statuses.putConnector('gone', 'UNASSIGNED', null)
    const { work } = herder.configuration()
    await herder.onMembership({ generation: 100, isLeader: true, leaderUrl: 'http://leader/', work })
    expect(statuses.known()).toEqual({ connectors: ['a'], tasks: [task] })
  })

  it('go with the tasks that a connector has no more', async () => {
    const { herder, statuses, worker } = await herd()
    worker.taskCount = 2
    await herder.createConnector('a', { ...config, 'tasks.max': '2' }, null, signal)
    await untilPasses(() => expect(statuses.task({ connector: 'a', task: 1 })?.state).toBe('RUNNING'))
    worker.taskCount = 1
    await herder.putConnectorConfig('a', config, signal)
    await untilPasses(() => expect(statuses.known().tasks).toEqual([task]))
    await untilPasses(() => expect(statuses.task(task)?.state).toBe('RUNNING'))
  })

  it('are not removed by a worker that does not lead: the leader may know more of the config topic', async () => {
    const { herder, statuses, append } = await herd({ isLeader: false })
    statuses.putConnector('gone', 'UNASSIGNED', null)
    await append({ type: 'connector', connector: 'other', config })
    await herder.onMembership({ generation: 100, isLeader: false, leaderUrl: 'http://leader/', work: noWork })
    expect(statuses.known().connectors).toContain('gone')
  })
})
