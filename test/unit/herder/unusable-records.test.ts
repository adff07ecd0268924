import { describe, expect, it } from 'vitest'

import { ConnectError } from '../../../src/api/errors.ts'
import { ConfigTooLargeError } from '../../../src/config/connector/config-too-large-error.ts'
import { deferred } from '../../../src/foundation/async/deferred.ts'
import { ClusterConfigState } from '../../../src/herder/state/cluster-config-state.ts'
import { decodeAssignment, encodeAssignment } from '../../../src/herder/group/group-protocol.ts'
import { BadRequestError } from '../../../src/herder/herder-errors.ts'
import type { WorkerHerder } from '../../../src/herder/worker-herder.ts'
import { config, herd, signal } from '../../support/rest/herder-harness.ts'
import { untilPasses } from '../../support/until.ts'

const longName = 'n'.repeat(300_000)

/** The connectors of the herder except `a`: the only one is a connector that cannot run, by its replacement name. */
async function unusableIn(herder: WorkerHerder): Promise<string> {
  return (await herder.connectors()).find((name) => name !== 'a') ?? ''
}

describe('a connector of the config topic that cannot run under its name', () => {
  it('is shown as FAILED with the reason, and the other connectors run', async () => {
    const { herder, statuses, worker, configs } = await herd()
    await configs.append({ type: 'connector', connector: longName, config: { ...config, name: longName } })
    await configs.append({ type: 'task', connector: longName, task: 0, config: {} })
    await configs.append({ type: 'commit', connector: longName, tasks: 1 })
    await herder.createConnector('a', config, null, signal)
    await untilPasses(() => expect(statuses.task({ connector: 'a', task: 0 })?.state).toBe('RUNNING'))
    const replacement = await unusableIn(herder)
    expect(await herder.connectors()).toEqual(['a', replacement])
    expect(replacement.length).toBeLessThan(64)
    const { connector, tasks } = await herder.connectorStatus(replacement)
    expect(connector).toMatchObject({ state: 'FAILED', trace: expect.stringContaining('its name has 300000 bytes') })
    expect(tasks).toEqual([])
    expect(worker.calls).toEqual(['start a', 'start a-0'])
  })

  it('can only be deleted, under its replacement name', async () => {
    const { herder, statuses, configs } = await herd()
    await configs.append({ type: 'connector', connector: longName, config })
    const replacement = await unusableIn(herder)
    await untilPasses(() => expect(statuses.connector(replacement)?.state).toBe('FAILED'))
    await expect(herder.pauseConnector(replacement, signal)).rejects.toThrow(BadRequestError)
    await expect(herder.stopConnector(replacement, signal)).rejects.toThrow(`DELETE that`)
    await herder.deleteConnector(replacement, signal)
    expect(await herder.connectors()).toEqual([])
    await untilPasses(() => expect(statuses.connector(replacement)).toBeNull())
  })

  it('may have an empty name', async () => {
    const { herder, statuses, configs } = await herd()
    await configs.append({ type: 'connector', connector: '', config })
    const replacement = await unusableIn(herder)
    await untilPasses(() => expect(statuses.connector(replacement)?.trace).toContain('its name is empty'))
    await herder.deleteConnector(replacement, signal)
    expect(await herder.connectors()).toEqual([])
  })
})

describe('records with excessive values', () => {
  it('cost no more than the task records that exist, whatever task count a commit claims', () => {
    const configState = new ClusterConfigState()
    configState.apply({ type: 'connector', connector: 'a', config }, 0)
    configState.apply({ type: 'task', connector: 'a', task: 0, config: {} }, 1)
    configState.apply({ type: 'commit', connector: 'a', tasks: Number.MAX_SAFE_INTEGER }, 2)
    expect(configState.isInconsistent('a')).toBe(true)
    expect(configState.tasks('a')).toEqual([])
  })

  it('fail a connector whose tasks.max is too large, with an error that names it', async () => {
    const { herder, statuses, configs } = await herd()
    await configs.append({ type: 'connector', connector: 'a', config: { ...config, 'tasks.max': '2147483647' } })
    await untilPasses(() => expect(statuses.connector('a')?.state).toBe('FAILED'))
    expect((await herder.connectorStatus('a')).connector.trace).toContain('Invalid value 2147483647')
  })

  it('are rejected when a name is too long for the group protocol', () => {
    const assigned = { connectors: ['n'.repeat(40_000)], tasks: [] }
    const assignment = {
      version: 2,
      error: 'none',
      leader: 'm',
      leaderUrl: 'u',
      configOffset: 1,
      assigned,
      revoked: { connectors: [], tasks: [] },
      delayMs: 0,
    } as const
    expect(() => encodeAssignment(assignment)).toThrow('has 40000 bytes, and the group protocol takes 32767')
    const held = { ...assignment, assigned: { connectors: ['__proto__', 'constructor', ''], tasks: [] } }
    expect(decodeAssignment(encodeAssignment(held)).assigned).toEqual(held.assigned)
  })
})

describe('a config that the config topic cannot hold', () => {
  it('is rejected before it is validated or written', async () => {
    const { herder, worker, configs } = await herd()
    configs.checkSize = () => {
      throw new ConfigTooLargeError('too large')
    }
    worker.infos = { ...worker.infos, errorCount: 1 }
    await expect(herder.createConnector('a', config, null, signal)).rejects.toThrow(ConfigTooLargeError)
    await expect(herder.putConnectorConfig('a', config, signal)).rejects.toThrow(ConfigTooLargeError)
    await expect(herder.validateConnectorConfig(config, signal)).rejects.toThrow(ConfigTooLargeError)
    expect(await herder.connectors()).toEqual([])
  })
})

describe('task configs that cannot be generated', () => {
  it('are reported in the status of their connector, which stays RUNNING, until they can', async () => {
    const { herder, statuses, worker, clock } = await herd()
    worker.taskConfigErrors = [new ConnectError('the database is away'), new ConnectError('and still')]
    await herder.createConnector('a', config, null, signal)
    await untilPasses(() => expect(statuses.connector('a')?.trace).toContain('TASK_CONFIGS'))
    expect(statuses.connector('a')).toMatchObject({ state: 'RUNNING', trace: expect.stringContaining('is away') })
    clock.advance(60_000)
    await untilPasses(() => expect(statuses.connector('a')?.trace).toContain('and still'))
    clock.advance(60_000)
    await untilPasses(() => expect(statuses.task({ connector: 'a', task: 0 })?.state).toBe('RUNNING'))
    expect(statuses.connector('a')).toMatchObject({ state: 'RUNNING', trace: null })
  })

  it('are retried once at a time, however often the connector asks for them', async () => {
    const { herder, worker, clock, statuses } = await herd()
    worker.taskConfigErrors = Array.from({ length: 6 }, () => new ConnectError('no'))
    await herder.createConnector('a', config, null, signal)
    for (let i = 0; i < 4; i += 1) worker.connectorListener.onReconfigure('a')
    await untilPasses(() => expect(worker.taskConfigErrors).toHaveLength(1))
    await untilPasses(() => expect(statuses.connector('a')?.trace).toContain('TASK_CONFIGS'))
    expect(clock.pending).toBe(1)
  })

  it('do not show a connector as RUNNING that has failed meanwhile', async () => {
    const { herder, worker, clock, statuses } = await herd()
    worker.taskConfigErrors = [new ConnectError('the database is away'), new ConnectError('and still')]
    await herder.createConnector('a', config, null, signal)
    await untilPasses(() => expect(statuses.connector('a')?.trace).toContain('is away'))
    worker.connectorListener.onConnectorFailed('a', { trace: 'Error: gone', isTransient: false })
    clock.advance(60_000)
    await untilPasses(() => expect(clock.pending).toBe(1))
    expect(statuses.connector('a')).toMatchObject({ state: 'FAILED', trace: 'Error: gone' })
  })

  it('stay reported when an earlier request for them succeeds late', async () => {
    const { herder, worker, clock, statuses } = await herd()
    const earlier = deferred<void>()
    worker.holds.set('task configs a', earlier.promise)
    await herder.createConnector('a', config, null, signal)
    await untilPasses(() => expect(statuses.connector('a')?.state).toBe('RUNNING'))
    worker.holds.clear()
    worker.taskConfigErrors = [new ConnectError('the database is away')]
    worker.connectorListener.onReconfigure('a')
    await untilPasses(() => expect(statuses.connector('a')?.trace).toContain('is away'))
    earlier.resolve()
    await new Promise((resolve) => setImmediate(resolve))
    expect(statuses.connector('a')?.trace).toContain('is away')
    clock.advance(60_000)
    await untilPasses(() => expect(statuses.task({ connector: 'a', task: 0 })?.state).toBe('RUNNING'))
    expect(statuses.connector('a')?.trace).toBeNull()
    expect(clock.pending).toBe(0)
  })

  it('fail the connector when they are too large for the config topic, and are not retried', async () => {
    const { herder, statuses, worker, clock } = await herd()
    worker.taskConfigErrors = [
      new ConfigTooLargeError('the config of task 0 is too large', { code: 'CONFIG_TOO_LARGE' }),
    ]
    await herder.createConnector('a', config, null, signal)
    await untilPasses(() => expect(statuses.connector('a')?.state).toBe('FAILED'))
    expect(statuses.connector('a')?.trace).toContain('the config of task 0 is too large')
    expect(clock.pending).toBe(0)
  })
})
