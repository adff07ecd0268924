import { describe, expect, it } from 'vitest'

import { ConnectError } from '../../../src/api/errors.ts'
import { present } from '../../../src/foundation/assert.ts'
import { idleFlow } from '../../support/rest/diagnosis-observations.ts'
import { untilPasses } from '../../support/until.ts'
import { config, herd, signal } from '../../support/rest/herder-harness.ts'

type Herd = Awaited<ReturnType<typeof herd>>
const diagnosed = async ({ herder }: Herd, connector = 'a') =>
  await herder.diagnosis.ofConnector(connector, 'group', signal)
const codes = async (all: Herd): Promise<readonly string[]> => (await diagnosed(all)).findings.map(({ code }) => code)

describe('the diagnosis of a connector', () => {
  it('is of what runs here: nothing, while it has nothing to do', async () => {
    const all = await herd()
    await all.running()
    all.worker.flows.set('a-0', { ...idleFlow, lagRecords: null })
    const { verdict, findings, tasks } = await diagnosed(all)
    expect({ verdict, findings }).toEqual({ verdict: 'healthy', findings: [] })
    expect(tasks).toMatchObject([{ id: 0, state: 'RUNNING', workerId: 'w', flow: { idleSeconds: 3600 } }])
  })

  it('has what the plugin finds, once for requests that follow closely', async () => {
    const all = await herd()
    await all.running()
    all.worker.probed = [
      {
        code: 'FULL',
        severity: 'error',
        stage: 'source',
        cause: 'it is full',
        evidence: {},
        fix: 'empty it',
        commands: [],
      },
    ]
    expect(await codes(all)).toEqual(['FULL'])
    expect(await codes(all)).toEqual(['FULL'])
    const looks = (): number => all.worker.calls.filter((call) => call === 'diagnose a').length
    expect(looks()).toBe(1)
    all.clock.advance(2000)
    await diagnosed(all)
    expect(looks()).toBe(2)
  })

  it('does not wait for a plugin that hangs', async () => {
    const all = await herd()
    await all.running()
    const held = Promise.withResolvers<null>()
    all.worker.holds.set('diagnose a', held.promise)
    const waiting = diagnosed(all)
    all.clock.advance(800)
    expect((await waiting).findings).toMatchObject([
      { code: 'PROBE_WAITS', severity: 'info', evidence: { seconds: 0.8 } },
    ])
    held.resolve(null)
    await held.promise
    expect(await codes(all)).toEqual([])
  })

  it('says since when a status is what it is, and how often the task was restarted', async () => {
    const all = await herd()
    await all.running()
    const fail = (): void => {
      all.worker.taskListener.onTaskFailed(present(all.worker.running.get('a-0'), 'the task'), 'Error: reset', 'task')
    }
    all.clock.advance(5000)
    const failedAt = all.clock.now()
    fail()
    all.clock.advance(60_000)
    expect((await diagnosed(all)).findings).toMatchObject([{ code: 'TASK_FAILED', since: null }])
    all.statuses.putTask({ connector: 'a', task: 0 }, 'FAILED', 'ConnectError: PG_SLOT_LOST: gone')
    all.clock.advance(60_000)
    expect((await diagnosed(all)).findings).toMatchObject([{ code: 'PG_SLOT_LOST', since: failedAt + 60_000 }])
  })

  it('asks other workers for their tasks, and names one that does not respond', async () => {
    const all = await herd()
    await all.running()
    const status = { state: 'RUNNING', trace: null, workerId: 'v', generation: 9 } as const
    all.statuses.topic.putTask('a', 0, status)
    const flow = { ...idleFlow, lagRecords: null, behindSeconds: 90, stalledSeconds: 80 }
    all.worker.others.set('v', () => ({
      kind: 'tasks',
      tasks: [{ id: 0, state: 'RUNNING', workerId: 'v', restarts: 0, flow }],
    }))
    expect(await codes(all)).toEqual(['SOURCE_STALLED'])
    all.worker.others.set('v', () => ({ kind: 'silent', reason: 'connect ECONNREFUSED', isGone: true }))
    expect((await diagnosed(all)).findings).toMatchObject([{ code: 'WORKER_GONE', evidence: { worker: 'v' } }])
    const own = await all.herder.diagnosis.ofConnector('a', 'worker', signal)
    expect(own.tasks).toEqual([])
  })

  it('of a sink says what waits in the log, and which topic does not exist', async () => {
    const all = await herd()
    const sink = { ...config, 'connector.class': 'FileStreamSink', topics: 't,u' }
    all.worker.ranges = [
      { topic: 't', partition: 0, start: 5, end: 20 },
      { topic: 't', partition: 1, start: 5, end: 20 },
    ]
    all.worker.committed = [{ topic: 't', partition: 0, offset: 18 }]
    await all.herder.createConnector('a', sink, null, signal)
    await untilPasses(() => expect(all.worker.calls).toContain('start a-0'))
    const { backlogRecords, findings } = await diagnosed(all)
    expect(backlogRecords).toBe(2 + 15)
    expect(findings[0]).toMatchObject({ code: 'TOPIC_MISSING', severity: 'warning', evidence: { missing_topics: 'u' } })
  })

  it('is of a connector that exists', async () => {
    await expect(diagnosed(await herd(), 'nowhere')).rejects.toThrow('Connector nowhere not found')
  })

  it('says why the plugin could not look', async () => {
    const all = await herd()
    await all.running()
    all.worker.holds.set('diagnose a', Promise.reject(new ConnectError('no secrets')))
    expect((await diagnosed(all)).findings).toMatchObject([
      { code: 'PROBE_FAILED', cause: expect.stringContaining('no secrets') },
    ])
  })
})

describe('the diagnosis of a worker', () => {
  it('has its conditions, and the findings of all connectors', async () => {
    const all = await herd()
    await all.running()
    all.worker.conditions = [{ code: 'BROKER_DISK_FULL', text: 'the disk is full' }]
    await all.herder.pauseConnector('a', signal)
    expect(all.herder.diagnosis.ofWorker().findings).toMatchObject([
      { connector: null, finding: { code: 'BROKER_DISK_FULL' } },
      { connector: 'a', finding: { code: 'CONNECTOR_PAUSED' } },
    ])
  })

  it('has rebalances of its group that follow no change of the configuration', async () => {
    const all = await herd()
    await all.running()
    for (let i = 0; i < 7; i += 1) await all.rebalance()
    expect(all.herder.diagnosis.ofWorker().findings).toMatchObject([
      { finding: { code: 'GROUP_REBALANCES', severity: 'warning' } },
    ])
    all.clock.advance(60_000)
    expect(all.herder.diagnosis.ofWorker().findings).toEqual([])
  })
})
