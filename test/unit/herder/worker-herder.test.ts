import { deferred } from '../../../src/foundation/async/deferred.ts'
import { ThreadEndedError } from '../../../src/runtime/thread/thread-link.ts'
import { describe, expect, it } from 'vitest'

import { present } from '../../../src/foundation/assert.ts'
import { AlreadyExistsError, ConnectError, NotFoundError, RetriableError } from '../../../src/api/errors.ts'
import { BadRequestError, InvalidConnectorConfigError, NotLeaderError } from '../../../src/herder/herder-errors.ts'
import { config, herd, noErrors, signal } from '../../support/rest/herder-harness.ts'
import { untilPasses } from '../../support/until.ts'

describe('the herder', () => {
  it('starts a connector that is created, and its tasks', async () => {
    const { herder, statuses, worker } = await herd()
    const { created, info } = await herder.createConnector('a', config, null, signal)
    expect({ created, info }).toEqual({ created: true, info: { name: 'a', config, tasks: [], type: 'source' } })
    await untilPasses(() => expect(statuses.writes).toEqual(['a RUNNING', 'a-0 RUNNING']))
    expect(worker.running.get('a-0')?.taskConfig).toEqual({
      n: '0',
      of: 'a',
      'task.class': 'org.apache.kafka.connect.file.FileStreamSourceTask',
    })
    expect((await herder.connectorInfo('a')).tasks).toEqual([{ connector: 'a', task: 0 }])
    expect((await herder.connectorStatus('a')).tasks).toEqual([{ id: 0, state: 'RUNNING', workerId: 'w', trace: null }])
  })

  it('writes the full name of the task class when the config has an alias', async () => {
    const { herder } = await herd()
    await herder.createConnector('a', { ...config, 'connector.class': 'FileStreamSource' }, null, signal)
    await untilPasses(async () => expect(await herder.taskInfos('a')).toHaveLength(1))
    expect((await herder.taskInfos('a'))[0]?.config['task.class']).toBe(
      'org.apache.kafka.connect.file.FileStreamSourceTask',
    )
  })

  it('rejects a connector that exists, an invalid config, and a config without a class', async () => {
    const { herder, worker, running } = await herd()
    await running()
    await expect(herder.createConnector('a', config, null, signal)).rejects.toThrow(AlreadyExistsError)
    await expect(herder.createConnector('b', { name: 'b' }, null, signal)).rejects.toThrow(BadRequestError)
    worker.infos = { ...noErrors, errorCount: 1 }
    await expect(herder.createConnector('b', config, null, signal)).rejects.toThrow(InvalidConnectorConfigError)
  })

  it('knows no config of a plugin that is not installed', async () => {
    const { herder } = await herd()
    await expect(herder.pluginConfig('x.Unknown', null, signal)).rejects.toThrow(NotFoundError)
    expect(await herder.pluginConfig('FileStreamSource', null, signal)).toEqual([])
  })

  it('validates no config without a class: there is nothing to validate it by', async () => {
    const { herder } = await herd()
    for (const without of [{ name: 'a' }, { name: 'a', 'connector.class': null }])
      await expect(herder.validateConnectorConfig(without, signal)).rejects.toThrow(BadRequestError)
  })

  it('logs and returns warnings when a config is written, not when it is only validated', async () => {
    const { herder, worker, running, logger } = await herd()
    await running()
    const warned = (): number => logger.lines.filter(({ message }) => message === 'x is not known').length
    worker.infos = { ...noErrors, warnings: ['x is not known'] }
    await herder.validateConnectorConfig(config, signal)
    expect(warned()).toBe(0)
    expect((await herder.putConnectorConfig('a', config, signal)).warnings).toEqual(['x is not known'])
    expect(warned()).toBe(1)
  })

  it('rejects writes on a follower, with the URL of the leader', async () => {
    const { herder } = await herd({ isLeader: false })
    const refused = herder.createConnector('a', config, null, signal)
    await expect(refused).rejects.toMatchObject({ leaderUrl: 'http://leader/' })
    await expect(refused).rejects.toThrow(NotLeaderError)
  })

  it('creates stopped and paused connectors without starting them', async () => {
    const { herder, statuses, worker } = await herd()
    await herder.createConnector('a', config, 'STOPPED', signal)
    await herder.createConnector('b', { ...config, name: 'b' }, 'PAUSED', signal)
    await untilPasses(() => expect(statuses.writes).toEqual(['a STOPPED', 'b PAUSED']))
    expect(worker.calls).toEqual([])
  })

  it('pauses and resumes the tasks', async () => {
    const { herder, statuses, worker, running } = await herd()
    await running()
    await herder.pauseConnector('a', signal)
    await untilPasses(() => expect(worker.calls).toEqual(['stop a', 'pause a-0']))
    expect(statuses.writes).toEqual(['a PAUSED'])
    await herder.resumeConnector('a', signal)
    await untilPasses(() => expect(worker.calls.slice(2)).toEqual(['start a', 'resume a-0']))
    expect(statuses.writes).toEqual(['a PAUSED', 'a RUNNING'])
  })

  it('stops instance and tasks, and creates the tasks again on resume', async () => {
    const { herder, statuses, worker, running } = await herd()
    await running()
    await herder.stopConnector('a', signal)
    await untilPasses(() => expect(statuses.writes).toEqual(expect.arrayContaining(['a STOPPED', 'a-0 removed'])))
    expect(worker.running.size).toBe(0)
    await herder.resumeConnector('a', signal)
    await untilPasses(() => expect(worker.running.size).toBe(1))
    expect(statuses.connector('a')?.state).toBe('RUNNING')
  })

  it('restarts tasks when the connector config changes, but not for an equal config', async () => {
    const { herder, statuses, worker, running } = await herd()
    await running()
    await herder.putConnectorConfig('a', config, signal)
    await untilPasses(() => expect(statuses.writes).toEqual(['a UNASSIGNED', 'a RUNNING']))
    expect(worker.calls).toEqual(['stop a', 'start a'])
    await herder.putConnectorConfig('a', { ...config, topic: 'u' }, signal)
    await untilPasses(() => expect(worker.calls).toContain('start a-0'))
    expect(worker.running.get('a-0')?.connectorConfig['topic']).toBe('u')
  })

  it('stops a connector that is deleted, and removes its statuses', async () => {
    const { herder, statuses, worker, running } = await herd()
    await running()
    await herder.deleteConnector('a', signal)
    await untilPasses(() => expect(statuses.writes).toEqual(['a removed', 'a-0 removed']))
    expect(worker.calls.toSorted()).toEqual(['stop a', 'stop a-0'])
    await expect(herder.connectorStatus('a')).rejects.toThrow(NotFoundError)
    await expect(herder.deleteConnector('a', signal)).rejects.toThrow('Connector a not found')
  })

  it('restarts the instance alone, or all that a restart request selects', async () => {
    const { herder, statuses, worker, running } = await herd()
    await running()
    await herder.restartConnector('a', signal)
    expect(worker.calls).toEqual(['stop a', 'start a'])
    worker.calls.length = 0
    statuses.writes.length = 0
    const plan = await herder.restartConnectorAndTasks(
      { connector: 'a', onlyFailed: false, includeTasks: true },
      signal,
    )
    expect(plan.connector.state).toBe('RESTARTING')
    expect(plan.tasks[0]?.state).toBe('RESTARTING')
    await untilPasses(() => expect(statuses.writes).toEqual(expect.arrayContaining(['a RUNNING', 'a-0 RUNNING'])))
    expect(statuses.writes.slice(0, 2)).toEqual(['a RESTARTING', 'a-0 RESTARTING'])
    expect(worker.calls.filter((call) => call.endsWith('a'))).toEqual(['stop a', 'start a'])
    expect(worker.calls.filter((call) => call.endsWith('a-0'))).toEqual(['stop a-0', 'start a-0'])
  })

  it('shows the trace of a failed task, and restarts the task on request', async () => {
    const { herder, statuses, worker, running } = await herd()
    await running()
    worker.taskListener.onTaskFailed(present(worker.running.get('a-0'), 'the task'), 'Error: down', 'task')
    expect((await herder.taskStatus({ connector: 'a', task: 0 })).trace).toBe('Error: down')
    const request = { connector: 'a', onlyFailed: true, includeTasks: true }
    const plan = await herder.restartConnectorAndTasks(request, signal)
    expect(plan.tasks[0]).toMatchObject({ state: 'RESTARTING', trace: 'Error: down' })
    await herder.restartTask({ connector: 'a', task: 0 }, signal)
    expect(statuses.task({ connector: 'a', task: 0 })?.state).toBe('RUNNING')
    await expect(herder.restartTask({ connector: 'a', task: 7 }, signal)).rejects.toThrow('Unknown task: a-7')
    await expect(herder.restartTask({ connector: 'a', task: -1 }, signal)).rejects.toThrow('Unknown task: a--1')
  })

  it('restarts a task whose thread died after a delay', async () => {
    const { statuses, clock, worker, running } = await herd()
    await running()
    worker.taskListener.onTaskFailed(present(worker.running.get('a-0'), 'the task'), 'Error: out of memory', 'thread')
    expect(statuses.writes).toEqual(['a-0 FAILED'])
    clock.advance(1000)
    await untilPasses(() => expect(statuses.writes).toEqual(['a-0 FAILED', 'a-0 RUNNING']))
  })

  it('retries the start of a connector after a RetriableError, and after no other error', async () => {
    const { herder, statuses, worker, clock } = await herd()
    worker.startErrors = [new RetriableError('not yet'), new ConnectError('never')]
    await herder.createConnector('a', config, null, signal)
    await untilPasses(() => expect(statuses.writes).toEqual(['a FAILED']))
    clock.advance(1000)
    await untilPasses(() => expect(statuses.writes).toEqual(['a FAILED', 'a FAILED']))
    expect(clock.pending).toBe(0)
    expect((await herder.connectorStatus('a')).connector.trace).toContain('never')
  })

  it('fails a connector that generates more tasks than tasks.max', async () => {
    const { herder, statuses, worker } = await herd()
    worker.taskCount = 2
    await herder.createConnector('a', config, null, signal)
    await untilPasses(() => expect(statuses.writes).toEqual(['a RUNNING', 'a FAILED']))
  })

  it('restarts connector instances whose thread died', async () => {
    const { statuses, clock, worker, running } = await herd()
    await running()
    worker.connectorListener.onConnectorsLost(['a'], new ConnectError('the plugin thread is stuck'))
    expect(statuses.connector('a')?.trace).toContain('stuck')
    clock.advance(1000)
    await untilPasses(() => expect(statuses.connector('a')?.state).toBe('RUNNING'))
    expect(worker.calls).toEqual(['start a'])
  })

  it('stops all work at shutdown and rejects requests (I9)', async () => {
    const { herder, statuses, worker, running } = await herd()
    await running()
    await herder.stopWork()
    expect(worker.running.size).toBe(0)
    expect(statuses.writes).toEqual(expect.arrayContaining(['a UNASSIGNED', 'a-0 UNASSIGNED']))
    await expect(herder.pauseConnector('a', signal)).rejects.toThrow('shutting down')
  })

  it('says that it shuts down, and not which of its threads has ended, to a request that is in progress', async () => {
    const { herder, worker, running } = await herd()
    await running()
    const validation = deferred<void>()
    worker.holds.set('validate a', validation.promise)
    const changed = herder.putConnectorConfig('a', { ...config, name: 'a', topic: 'u' }, signal).catch(String)
    await herder.stopWork()
    validation.reject(new ThreadEndedError('thread plugin-thread-6 validation ended: it was closed'))
    expect(await changed).toBe('WorkerStoppingError: Worker is shutting down')
  })

  it('ends the threads of connectors and tasks when it is closed', async () => {
    const { herder, worker, running } = await herd()
    await running()
    await herder.stopWork()
    worker.calls.length = 0
    await herder.close()
    expect(worker.calls.toSorted()).toEqual(['close connectors', 'close tasks'])
  })

  it.each([true, false])(
    'asks for a rebalance after a change of what is configured only as the leader: %s',
    async (isLeader) => {
      const { configs, rebalances } = await herd({ isLeader })
      await configs.append({ type: 'connector', connector: 'b', config: { ...config, name: 'b' } })
      expect(rebalances.count > 0).toBe(isLeader)
    },
  )

  it('asks for no rebalance once it stops', async () => {
    const { herder, configs, rebalances } = await herd()
    await herder.stopWork()
    await configs.append({ type: 'connector', connector: 'b', config: { ...config, name: 'b' } })
    expect(rebalances.count).toBe(0)
  })

  it('reports health through its own lock', async () => {
    const { herder } = await herd()
    expect(await herder.health(signal)).toEqual({ status: 'healthy' })
  })

  it('starts with the configuration in the config topic, and ignores its old restart requests (I4)', async () => {
    const taskClass = 'org.apache.kafka.connect.file.FileStreamSourceTask'
    const { worker, statuses } = await herd({
      before: [
        { type: 'connector', connector: 'a', config },
        { type: 'task', connector: 'a', task: 0, config: { n: '0', of: 'a', 'task.class': taskClass } },
        { type: 'commit', connector: 'a', tasks: 1 },
        { type: 'restart', connector: 'a', onlyFailed: false, includeTasks: true },
      ],
    })
    await untilPasses(() => expect(statuses.task({ connector: 'a', task: 0 })?.state).toBe('RUNNING'))
    expect(worker.calls.filter((call) => call.startsWith('stop'))).toEqual([])
    expect(statuses.writes.filter((write) => write.endsWith('RESTARTING'))).toEqual([])
  })

  it('ignores a late report of an earlier run of a task (I3)', async () => {
    const { herder, worker, statuses, running } = await herd()
    await running()
    const first = present(worker.running.get('a-0'), 'the first run')
    await herder.restartTask({ connector: 'a', task: 0 }, signal)
    worker.taskListener.onTaskFailed(first, 'Error: too late', 'task')
    worker.taskListener.onTaskState(first, 'PAUSED', null)
    expect(statuses.task({ connector: 'a', task: 0 })?.state).toBe('RUNNING')
  })
})
