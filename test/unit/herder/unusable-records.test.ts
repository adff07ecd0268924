import { describe, expect, it } from 'vitest'

import { ConnectError } from '../../../src/api/errors.ts'
import { ConfigTooLargeError } from '../../../src/config/connector/config-too-large-error.ts'
import { ConfigFold } from '../../../src/herder/config-fold.ts'
import { decodeAssignment, encodeAssignment } from '../../../src/herder/group/group-protocol.ts'
import { BadRequestError } from '../../../src/herder/herder-errors.ts'
import { config, herd, signal } from '../../support/rest/herder-harness.ts'
import { untilPasses } from '../../support/until.ts'

const longName = 'n'.repeat(300_000)

/** The only connector of the herder that cannot run, by the name that stands in for its own. */
function standInOf(fold: ConfigFold): string {
  const [name = ''] = fold.unusable().keys()
  return name
}

describe('a connector of the config topic that cannot run under its name', () => {
  it('is shown as failed with the reason, and keeps nobody else from running', async () => {
    const { herder, statuses, worker, append, fold } = await herd()
    await append({ type: 'connector', connector: longName, config: { ...config, name: longName } })
    await append({ type: 'task', connector: longName, task: 0, config: {} })
    await append({ type: 'commit', connector: longName, tasks: 1 })
    await herder.createConnector('a', config, null, signal)
    await untilPasses(() => expect(statuses.task({ connector: 'a', task: 0 })?.state).toBe('RUNNING'))
    const standIn = standInOf(fold)
    expect(await herder.connectors()).toEqual(['a', standIn])
    expect(standIn.length).toBeLessThan(64)
    const { connector, tasks } = await herder.connectorStatus(standIn)
    expect(connector).toMatchObject({ state: 'FAILED', trace: expect.stringContaining('its name has 300000 bytes') })
    expect(tasks).toEqual([])
    expect(worker.calls).toEqual(['start a', 'start a-0'])
  })

  it('can be deleted under the name that stands in for its own, and nothing else', async () => {
    const { herder, statuses, append, fold } = await herd()
    await append({ type: 'connector', connector: longName, config })
    await untilPasses(() => expect(fold.unusable().size).toBe(1))
    const standIn = standInOf(fold)
    await untilPasses(() => expect(statuses.connector(standIn)?.state).toBe('FAILED'))
    await expect(herder.pauseConnector(standIn, signal)).rejects.toThrow(BadRequestError)
    await expect(herder.stopConnector(standIn, signal)).rejects.toThrow(`DELETE that`)
    await herder.deleteConnector(standIn, signal)
    expect(await herder.connectors()).toEqual([])
    await untilPasses(() => expect(statuses.connector(standIn)).toBeNull())
  })

  it('may have no name at all', async () => {
    const { herder, statuses, append, fold } = await herd()
    await append({ type: 'connector', connector: '', config })
    await untilPasses(() => expect(statuses.connector(standInOf(fold))?.trace).toContain('its name is empty'))
    await herder.deleteConnector(standInOf(fold), signal)
    expect(await herder.connectors()).toEqual([])
  })
})

describe('records that promise too much', () => {
  it('are bounded by the records that are there, whatever number of tasks a commit names', () => {
    const fold = new ConfigFold()
    fold.apply({ type: 'connector', connector: 'a', config }, 0)
    fold.apply({ type: 'task', connector: 'a', task: 0, config: {} }, 1)
    fold.apply({ type: 'commit', connector: 'a', tasks: Number.MAX_SAFE_INTEGER }, 2)
    expect(fold.isInconsistent('a')).toBe(true)
    expect(fold.tasks('a')).toEqual([])
  })

  it('fail a connector whose tasks.max is beyond what can be placed, by name', async () => {
    const { herder, statuses, append } = await herd()
    await append({ type: 'connector', connector: 'a', config: { ...config, 'tasks.max': '2147483647' } })
    await untilPasses(() => expect(statuses.connector('a')?.state).toBe('FAILED'))
    expect((await herder.connectorStatus('a')).connector.trace).toContain('Invalid value 2147483647')
  })

  it('have names that the group protocol can hold, however long', () => {
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
  it('is refused before it is validated or written', async () => {
    const { herder, worker } = await herd()
    worker.checkSize = () => {
      throw new ConfigTooLargeError('too large')
    }
    worker.infos = { ...worker.infos, errorCount: 1 }
    await expect(herder.createConnector('a', config, null, signal)).rejects.toThrow(ConfigTooLargeError)
    await expect(herder.putConnectorConfig('a', config, signal)).rejects.toThrow(ConfigTooLargeError)
    await expect(herder.validateConnectorConfig(config, signal)).rejects.toThrow(ConfigTooLargeError)
    expect(await herder.connectors()).toEqual([])
  })
})

describe('task configs that cannot be made', () => {
  it('show in the status of their connector, which runs, until they can', async () => {
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

  it('are asked for by one retry at a time, however often the connector asks for them', async () => {
    const { herder, worker, clock, statuses } = await herd()
    worker.taskConfigErrors = Array.from({ length: 6 }, () => new ConnectError('no'))
    await herder.createConnector('a', config, null, signal)
    for (let i = 0; i < 4; i += 1) herder.onReconfigure('a')
    await untilPasses(() => expect(worker.taskConfigErrors).toHaveLength(1))
    await untilPasses(() => expect(statuses.connector('a')?.trace).toContain('TASK_CONFIGS'))
    expect(clock.pending).toBe(1)
  })

  it('fail the connector when they are larger than the config topic takes', async () => {
    const { herder, statuses, worker } = await herd()
    worker.taskConfigErrors = [
      new ConfigTooLargeError('the config of task 0 is too large', { code: 'CONFIG_TOO_LARGE' }),
    ]
    await herder.createConnector('a', config, null, signal)
    await untilPasses(() => expect(statuses.connector('a')?.state).toBe('FAILED'))
    expect(statuses.connector('a')?.trace).toContain('the config of task 0 is too large')
  })
})
