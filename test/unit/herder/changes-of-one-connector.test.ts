import { describe, expect, it } from 'vitest'

import { deferred } from '../../../src/foundation/async/deferred.ts'
import { BadRequestError, NotLeaderError } from '../../../src/herder/herder-errors.ts'
import { NotFoundError } from '../../../src/api/errors.ts'
import { config, herd, signal } from '../../support/rest/herder-harness.ts'
import { untilPasses } from '../../support/until.ts'

const change = [{ partition: { filename: 'f' }, offset: { position: 1 } }]

describe('offsets of a connector', () => {
  it('are written once its tasks have ended, although the connector counts as stopped before', async () => {
    const { herder, worker, running } = await herd()
    await running()
    const taskEnds = deferred<void>()
    worker.holds.set('stop a-0', taskEnds.promise)
    await herder.stopConnector('a', signal)
    const altered = herder.alterConnectorOffsets('a', change, signal)
    await untilPasses(() => expect(worker.calls).toContain('stop a-0'))
    // A request that comes later and needs no task shows that this one had its turn.
    await herder.createConnector('b', { ...config, name: 'b' }, 'STOPPED', signal)
    await herder.alterConnectorOffsets('b', change, signal)
    expect(worker.calls).not.toContain('write offsets of a')
    taskEnds.resolve()
    expect(await altered).toBe('The offsets for this connector have been altered successfully')
    expect(worker.calls.slice(-2)).toEqual(['alter offsets of a', 'write offsets of a'])
  })

  it('are written before a request that resumes the connector meanwhile, and delay no other connector', async () => {
    const { herder, worker, configs, running } = await herd()
    await running()
    await herder.stopConnector('a', signal)
    const plugin = deferred<void>()
    worker.holds.set('alter offsets of a', plugin.promise)
    const reset = herder.alterConnectorOffsets('a', change, signal)
    await untilPasses(() => expect(worker.calls).toContain('alter offsets of a'))
    const resumed = herder.resumeConnector('a', signal)
    await herder.createConnector('b', { ...config, name: 'b' }, null, signal)
    const resumes = (): number =>
      configs.records.filter((record) => record.type === 'target-state' && record.state === 'STARTED').length
    expect(resumes()).toBe(0)
    plugin.resolve()
    await Promise.all([reset, resumed])
    expect(resumes()).toBe(1)
    await untilPasses(() =>
      expect(worker.calls.slice(worker.calls.indexOf('write offsets of a'))).toContain('start a-0'),
    )
  })

  it('that another worker resumed meanwhile are reported, because a task may have read the old ones', async () => {
    const { herder, worker, configs, running } = await herd()
    await running()
    await herder.stopConnector('a', signal)
    const plugin = deferred<void>()
    worker.holds.set('alter offsets of a', plugin.promise)
    const altered = herder.alterConnectorOffsets('a', change, signal)
    await untilPasses(() => expect(worker.calls).toContain('alter offsets of a'))
    await configs.append({ type: 'target-state', connector: 'a', state: 'STARTED' })
    plugin.resolve()
    await expect(altered).rejects.toThrow(/^Connector a was resumed or deleted by another worker .* Stop the connector/)
  })

  it('are changed although task configs that were generated before it was stopped come late', async () => {
    const { herder, worker, configs, running } = await herd()
    await running()
    await herder.stopConnector('a', signal)
    const late = async (): Promise<void> => {
      await herder.putTaskConfigs(
        'a',
        [{ n: 'late' }],
        { body: '', signature: null, algorithm: null, isTrusted: true },
        signal,
      )
    }
    await late()
    expect(await herder.taskInfos('a')).toEqual([])
    await herder.alterConnectorOffsets('a', change, signal)
    expect(worker.calls).toContain('write offsets of a')
    // Another worker has resumed it, which this one has not read yet.
    configs.refresh = async () => await configs.append({ type: 'target-state', connector: 'a', state: 'STARTED' })
    await late()
    expect(configs.records).toContainEqual({ type: 'task', connector: 'a', task: 0, config: { n: 'late' } })
  })

  it('are only changed by the leader, of a connector that exists and is stopped', async () => {
    const { herder, running } = await herd()
    await running()
    await expect(herder.resetConnectorOffsets('b', signal)).rejects.toThrow(NotFoundError)
    await expect(herder.resetConnectorOffsets('a', signal)).rejects.toThrow(BadRequestError)
    await herder.pauseConnector('a', signal)
    await expect(herder.alterConnectorOffsets('a', change, signal)).rejects.toThrow(BadRequestError)
    const follower = await herd({ isLeader: false })
    await expect(follower.herder.resetConnectorOffsets('a', signal)).rejects.toThrow(NotLeaderError)
  })
})

describe('patches of a config', () => {
  it('that are validated at the same time are all applied', async () => {
    const { herder, worker, running } = await herd()
    await running()
    const validation = deferred<void>()
    worker.holds.set('validate a', validation.promise)
    const patches = [
      herder.patchConnectorConfig('a', { x: '1' }, signal),
      herder.patchConnectorConfig('a', { y: '2' }, signal),
    ]
    const removal = herder.patchConnectorConfig('a', { topic: null }, signal)
    validation.resolve()
    await Promise.all([...patches, removal])
    const { topic: _topic, ...rest } = config
    expect(await herder.connectorConfig('a')).toEqual({ ...rest, x: '1', y: '2' })
  })

  it('are rejected for a connector that does not exist, and on a follower before anything is validated', async () => {
    const { herder } = await herd()
    await expect(herder.patchConnectorConfig('a', { x: '1' }, signal)).rejects.toThrow('Connector a not found')
    const follower = await herd({ isLeader: false })
    await expect(follower.herder.patchConnectorConfig('a', { x: '1' }, signal)).rejects.toThrow(NotLeaderError)
  })
})

describe('the task configs of a connector', () => {
  it('are generated again when the writes of two leaders have mixed', async () => {
    const { worker, configs, running } = await herd()
    await running()
    const task = { type: 'task', connector: 'a', task: 0, config: { n: '0' } } as const
    const commit = { type: 'commit', connector: 'a', tasks: 1 } as const
    // Of the second pair, the commit finds no task: its set is incomplete, and the connector has no tasks.
    await configs.append(task, task, commit, commit)
    await untilPasses(() => expect(configs.records.slice(-2)).toEqual([{ ...task, config: expect.anything() }, commit]))
    await untilPasses(() => expect(worker.running.has('a-0')).toBe(true))
  })
})
