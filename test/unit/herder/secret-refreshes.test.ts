import { describe, expect, it } from 'vitest'

import { present } from '../../../src/foundation/assert.ts'
import { config, herd, signal } from '../../support/rest/herder-harness.ts'
import { untilPasses } from '../../support/until.ts'

const reference = '${file:/s:p}'
const changed = { outcome: 'changed', references: [reference, '${file:/s:q}'] } as const
const task = { connector: 'a', task: 0 }

describe('a secret that was read again', () => {
  it('restarts the task that uses it when it has changed, and nothing else', async () => {
    const { statuses, worker, running, logger } = await herd()
    await running()
    const run = present(worker.running.get('a-0'), 'the task')
    worker.taskListener.onTaskSecrets(run, { outcome: 'unchanged' })
    expect(worker.calls).toEqual([])
    worker.taskListener.onTaskSecrets(run, changed)
    expect(statuses.task(task)).toMatchObject({
      state: 'RESTARTING',
      trace: `SECRET_CHANGED: the value of ${reference} and 1 more has changed`,
    })
    await untilPasses(() => expect(worker.calls).toEqual(['stop a-0', 'start a-0']))
    await untilPasses(() => expect(statuses.task(task)).toMatchObject({ state: 'RUNNING', trace: null }))
    expect(logger.lines.map(({ message }) => message)).toContain(
      `task a-0 restarts: the value of ${reference} and 1 more has changed`,
    )
  })

  it('restarts no later run of the task', async () => {
    const { herder, worker, running } = await herd()
    await running()
    const run = present(worker.running.get('a-0'), 'the task')
    await herder.restartTask(task, signal)
    worker.calls.length = 0
    worker.taskListener.onTaskSecrets(run, changed)
    await herder.stopWork()
    expect(worker.calls.filter((call) => call === 'start a-0')).toEqual([])
  })

  it('restarts the connector that uses it when it has changed, and nothing else', async () => {
    const { statuses, worker, running } = await herd()
    await running()
    worker.connectorListener.onConnectorSecrets('a', changed)
    expect(statuses.connector('a')).toMatchObject({
      state: 'RESTARTING',
      trace: expect.stringMatching(/^SECRET_CHANGED/),
    })
    await untilPasses(() => expect(worker.calls).toEqual(['stop a', 'start a']))
    await untilPasses(() => expect(statuses.connector('a')).toMatchObject({ state: 'RUNNING', trace: null }))
  })

  it('is shown while the connector cannot read it, beside other reasons', async () => {
    const { statuses, worker, running, logger } = await herd()
    await running()
    worker.connectorListener.onConnectorSecrets('a', { outcome: 'failed', reason: `${reference}: sealed` })
    const shown = `SECRET_REFRESH: secrets could not be read again; their last values are used: ${reference}: sealed`
    expect(statuses.connector('a')).toMatchObject({ state: 'RUNNING', trace: shown })
    worker.taskConfigErrors = [new TypeError('no tables')]
    worker.connectorListener.onReconfigure('a')
    await untilPasses(() =>
      expect(statuses.connector('a')?.trace).toMatch(/^SECRET_REFRESH: .*\nTASK_CONFIGS: .*no tab/),
    )
    const lines = (): number => logger.lines.filter(({ message }) => message.includes('SECRET_REFRESH')).length
    worker.connectorListener.onConnectorSecrets('a', { outcome: 'failed', reason: `${reference}: sealed` })
    expect(lines()).toBe(1)
    worker.connectorListener.onConnectorSecrets('a', { outcome: 'unchanged' })
    expect(statuses.connector('a')?.trace).toMatch(/^TASK_CONFIGS: /)
    expect(lines()).toBe(2)
    expect(worker.calls).toEqual([])
  })

  it('is counted by connector and outcome, while the connector is configured', async () => {
    const { herder, worker, running } = await herd()
    await running()
    const counts = (): readonly unknown[] =>
      herder
        .samples()
        .filter(({ sample }) => sample.name === 'secret_refreshes_total')
        .map(({ sample, labels }) => [labels, 'value' in sample ? sample.value : null])
    const run = present(worker.running.get('a-0'), 'the task')
    worker.taskListener.onTaskSecrets(run, { outcome: 'unchanged' })
    worker.connectorListener.onConnectorSecrets('a', { outcome: 'unchanged' })
    worker.taskListener.onTaskSecrets(run, { outcome: 'failed', reason: 'x' })
    expect(counts()).toEqual([
      [{ connector: 'a', outcome: 'unchanged' }, 2],
      [{ connector: 'a', outcome: 'failed' }, 1],
    ])
    await herder.deleteConnector(config.name, signal)
    expect(counts()).toEqual([])
  })
})
