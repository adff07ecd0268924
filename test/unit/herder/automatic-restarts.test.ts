import { describe, expect, it } from 'vitest'

import { present } from '../../../src/foundation/assert.ts'
import { nothingAssigned } from '../../../src/herder/group/assignment.ts'
import { ConnectError, RetriableError } from '../../../src/api/errors.ts'
import { config, herd, signal } from '../../support/rest/herder-harness.ts'
import { untilPasses } from '../../support/until.ts'

type Herd = Awaited<ReturnType<typeof herd>>
const task = { connector: 'a', task: 0 }
const scheduled = /^Error: reset\nRESTART_SCHEDULED: restart (\d) of 3 in a row follows at 20\d\d-.*Z$/

/** Fails the run of the task for a reason that may pass. */
function fail({ worker, statuses }: Pick<Herd, 'worker' | 'statuses'>): string {
  worker.taskListener.onTaskFailed(present(worker.running.get('a-0'), 'the task'), 'Error: reset', 'transient')
  worker.running.delete('a-0')
  const { state, trace } = present(statuses.task(task), 'the status')
  expect(state).toBe('FAILED')
  return trace ?? ''
}

const starts = ({ worker }: Pick<Herd, 'worker'>, what = 'start a-0'): number =>
  worker.calls.filter((call) => call === what).length

async function restarted(all: Herd, ms: number, count: number): Promise<void> {
  all.clock.advance(ms)
  await untilPasses(() => expect(starts(all)).toBe(count))
  await untilPasses(() => expect(all.statuses.task(task)).toMatchObject({ state: 'RUNNING', trace: null }))
}

describe('a task that failed for a reason that may pass', () => {
  it('restarts after pauses that double, and says when', async () => {
    const all = await herd()
    await all.running()
    for (const [i, longest] of [500, 1000, 2000].entries()) {
      expect(scheduled.exec(fail(all))?.[1]).toBe(String(i + 1))
      const before = starts(all)
      all.clock.advance(longest / 2 - 1)
      expect(starts(all)).toBe(before)
      await restarted(all, longest / 2 + 1, i + 1)
    }
  })

  it('stays FAILED after too many restarts in a row, and says so', async () => {
    const all = await herd()
    await all.running()
    for (let i = 1; i <= 3; i += 1) {
      fail(all)
      await restarted(all, 30_000 - 1, i)
    }
    expect(fail(all)).toMatch(
      /^Error: reset\nRESTARTS_EXHAUSTED: it was restarted 3 times in a row \(errors\.restart\.max/,
    )
    expect(all.clock.pending).toBe(0)
    expect(all.logger.lines.map(({ message }) => message)).toContain(
      'task a-0 was restarted 3 times in a row, and stays FAILED',
    )
  })

  it('counts again after it has run for the maximum pause, or was restarted by an operator', async () => {
    const all = await herd()
    await all.running()
    fail(all)
    await restarted(all, 500, 1)
    all.clock.advance(30_000)
    expect(scheduled.exec(fail(all))?.[1]).toBe('1')
    await all.herder.restartTask(task, signal)
    await untilPasses(() => expect(all.statuses.task(task)?.state).toBe('RUNNING'))
    expect(all.clock.pending).toBe(0)
    expect(scheduled.exec(fail(all))?.[1]).toBe('1')
  })

  it.each([{ 'errors.restart.enable': 'false' }, { 'errors.restart.max.attempts': '0' }])(
    'stays FAILED with %j in its connector',
    async (own) => {
      const all = await herd()
      await all.running()
      await all.herder.putConnectorConfig('a', { ...config, ...own }, signal)
      await untilPasses(() => expect(all.worker.running.get('a-0')?.connectorConfig).toMatchObject(own))
      fail(all)
      expect(all.clock.pending).toBe(0)
    },
  )

  it('is not restarted while its connector is paused, but afterwards', async () => {
    const all = await herd()
    await all.running()
    fail(all)
    await all.herder.pauseConnector('a', signal)
    await untilPasses(() => expect(all.statuses.connector('a')?.state).toBe('PAUSED'))
    await untilPasses(() => expect(all.statuses.task(task)).toMatchObject({ state: 'FAILED', trace: 'Error: reset' }))
    all.clock.advance(300_000)
    expect(starts(all)).toBe(0)
    await all.herder.resumeConnector('a', signal)
    await untilPasses(() => expect(all.statuses.task(task)?.trace).toMatch(scheduled))
    await restarted(all, 1000, 1)
  })

  it.each<[string, (all: Herd) => Promise<unknown>]>([
    ['stopped', async ({ herder }) => await herder.stopConnector('a', signal)],
    ['deleted', async ({ herder }) => await herder.deleteConnector('a', signal)],
    [
      'assigned to another worker',
      async ({ handlers }) =>
        await handlers.onMembership({
          generation: 100,
          isLeader: false,
          leaderUrl: 'http://leader/',
          isSigned: false,
          work: nothingAssigned,
        }),
    ],
  ])('is not restarted once it is %s', async (_what, end) => {
    const all = await herd()
    await all.running()
    fail(all)
    await end(all)
    await untilPasses(() => expect(all.clock.pending).toBe(0))
    all.clock.advance(300_000)
    await all.herder.stopWork()
    expect(starts(all)).toBe(0)
  })

  it('is counted by the metrics', async () => {
    const all = await herd()
    await all.running()
    fail(all)
    await restarted(all, 500, 1)
    const counted = all.herder.samples().filter(({ sample }) => sample.name === 'automatic_restarts_total')
    expect(counted.map(({ sample, labels }) => [labels, 'value' in sample ? sample.value : null])).toEqual([
      [{ connector: 'a', task: '0' }, 1],
    ])
  })
})

describe('a connector that failed', () => {
  it('restarts if the reason may pass, also when it fails again soon after each start', async () => {
    const all = await herd()
    const { worker, statuses, clock } = all
    await all.running()
    const failed = (isTransient: boolean): string => {
      worker.connectorListener.onConnectorFailed('a', { trace: 'Error: reset', isTransient })
      return statuses.connector('a')?.trace ?? ''
    }
    for (let i = 1; i <= 3; i += 1) {
      expect(scheduled.exec(failed(true))?.[1]).toBe(String(i))
      clock.advance(29_999)
      await untilPasses(() => expect(starts(all, 'start a')).toBe(i))
      await untilPasses(() => expect(statuses.connector('a')?.state).toBe('RUNNING'))
    }
    expect(failed(true)).toMatch(/\nRESTARTS_EXHAUSTED: /)
    expect(clock.pending).toBe(0)
  })

  it('does not restart when it fails for good before its restart', async () => {
    const { worker, statuses, clock, running } = await herd()
    await running()
    worker.connectorListener.onConnectorFailed('a', { trace: 'Error: reset', isTransient: true })
    worker.connectorListener.onConnectorFailed('a', { trace: 'Error: no', isTransient: false })
    expect(statuses.connector('a')).toMatchObject({ state: 'FAILED', trace: 'Error: no' })
    expect(clock.pending).toBe(0)
  })

  it('restarts with one start, and not after an operator has restarted it', async () => {
    const all = await herd()
    const { worker, statuses, clock, herder } = all
    worker.startErrors = [new RetriableError('not yet'), new RetriableError('not yet')]
    await herder.createConnector('a', config, null, signal)
    await untilPasses(() => expect(statuses.connector('a')?.trace).toMatch(/RESTART_SCHEDULED: restart 1 of 3/))
    clock.advance(500)
    await untilPasses(() => expect(statuses.connector('a')?.trace).toMatch(/RESTART_SCHEDULED: restart 2 of 3/))
    await herder.restartConnector('a', signal)
    expect(statuses.connector('a')).toMatchObject({ state: 'RUNNING', trace: null })
    expect(clock.pending).toBe(0)
    expect(starts(all, 'start a')).toBe(3)
  })

  it('stays FAILED for any other reason', async () => {
    const { worker, statuses, clock, herder } = await herd()
    worker.startErrors = [new ConnectError('never')]
    await herder.createConnector('a', config, null, signal)
    await untilPasses(() => expect(statuses.connector('a')?.state).toBe('FAILED'))
    expect(statuses.connector('a')?.trace).not.toMatch(/RESTART/)
    expect(clock.pending).toBe(0)
  })
})
