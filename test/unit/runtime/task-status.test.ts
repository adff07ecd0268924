import { describe, expect, it } from 'vitest'

import { RetriableError } from '../../../src/api/errors.ts'
import { prometheusText } from '../../../src/foundation/metrics/prometheus-text.ts'
import { Meters } from '../../../src/foundation/metrics/meters.ts'
import { TaskSampleTable } from '../../../src/runtime/metrics/task-sample-table.ts'
import { RetryStreak } from '../../../src/runtime/task-thread/retry-streak.ts'
import { TaskControl } from '../../../src/runtime/task-thread/task-control.ts'
import { TaskStatus } from '../../../src/runtime/task-thread/task-status.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { quietLogger } from '../../support/quiet-logger.ts'
import { testRun } from '../../support/task/test-run.ts'

function running() {
  const control = new TaskControl(false)
  const metrics = new Meters()
  const logger = quietLogger()
  const writes: string[] = []
  const listener = {
    onTaskState: (_run: unknown, state: string, trace: string | null) =>
      writes.push(trace === null ? state : `${state} | ${trace}`),
    onTaskTopic: () => undefined,
  }
  const status = new TaskStatus({ control, run: testRun, listener, logger, metrics })
  const retries = new RetryStreak({
    control,
    status,
    clock: new ManualClock(),
    logger,
    retries: metrics.counter('retries', ''),
  })
  const exposed = (): string => {
    const table = new TaskSampleTable(new ManualClock())
    table.take({ connector: 'c', task: 0 }, metrics.samples())
    return prometheusText(table.labelled())
  }
  return { control, status, retries, writes, logger, exposed, last: () => writes.at(-1) }
}

describe('the status of a running task', () => {
  it('shows conditions and retries together, and each stands until it is withdrawn itself', () => {
    const { status, retries, writes } = running()
    status.show({ state: 'RUNNING' })
    status.setCondition('PG_NOT_CAPTURED', 'table b is not published')
    retries.failed('poll', new RetriableError('no route'))
    status.setCondition('ES_SUPERSEDED', 'all writes are older')
    retries.recordSuccess()
    status.setCondition('PG_NOT_CAPTURED', null)
    status.setCondition('ES_SUPERSEDED', null)
    expect(writes.map((line) => line.replace(/\n {4}at .*/gu, ''))).toEqual([
      'RUNNING',
      'RUNNING | PG_NOT_CAPTURED: table b is not published',
      'RUNNING | PG_NOT_CAPTURED: table b is not published\npoll failed and is retried: RetriableError: no route',
      'RUNNING | PG_NOT_CAPTURED: table b is not published\nES_SUPERSEDED: all writes are older\n' +
        'poll failed and is retried: RetriableError: no route',
      'RUNNING | PG_NOT_CAPTURED: table b is not published\nES_SUPERSEDED: all writes are older',
      'RUNNING | ES_SUPERSEDED: all writes are older',
      'RUNNING',
    ])
  })

  it('names what is retried in the metrics by the code of its error, until the call succeeds', () => {
    const { status, retries, exposed } = running()
    status.show({ state: 'RUNNING' })
    const waiting = (): string[] => exposed().match(/^penstock_task_waiting.*$/gm) ?? []
    retries.failed('poll', new RetriableError('no route', { code: 'PG_CONNECTION_LOST' }))
    expect(waiting()).toEqual(['penstock_task_waiting{connector="c",task="0",code="PG_CONNECTION_LOST"} 1'])
    retries.failed('poll', new RetriableError('not known'))
    expect(waiting()).toEqual(['penstock_task_waiting{connector="c",task="0"} 1'])
    retries.recordSuccess()
    expect(waiting()).toEqual([])
  })

  it('is written, and logged, once per change of a condition', () => {
    const { status, writes, logger } = running()
    status.show({ state: 'RUNNING' })
    for (const text of ['a', 'a', 'b', 'b']) status.setCondition('X', text)
    status.setCondition('X', null)
    status.setCondition('X', null)
    expect(writes).toEqual(['RUNNING', 'RUNNING | X: a', 'RUNNING | X: b', 'RUNNING'])
    expect(logger.lines.map(({ level, message }) => `${level} ${message}`)).toEqual([
      'info the task is RUNNING',
      'warn X: a',
      'warn X: b',
      'warn X is over',
    ])
  })

  it('keeps a condition that was raised before the first state, and over a pause', () => {
    const { status, writes } = running()
    status.setCondition('X', 'from the start')
    expect(writes).toEqual([])
    status.show({ state: 'RUNNING' })
    status.show({ state: 'PAUSED' })
    expect(writes).toEqual(['RUNNING | X: from the start', 'PAUSED | X: from the start'])
  })

  it('exposes a gauge while a condition stands', () => {
    const { status, exposed } = running()
    status.setCondition('X', 'a')
    status.setCondition('Y_2', 'b')
    expect(exposed()).toContain('penstock_task_condition{connector="c",task="0",code="X"} 1')
    status.setCondition('X', null)
    expect(exposed()).not.toContain('code="X"')
    expect(exposed()).toContain('penstock_task_condition{connector="c",task="0",code="Y_2"} 1')
    status.setCondition('X', 'again')
    expect(exposed()).toContain('code="X"} 1')
    status.withdrawAll()
    expect(exposed()).not.toContain('task_condition')
  })

  it('is bounded: 16 conditions, 1000 characters each (I10)', () => {
    const { status, last, exposed } = running()
    status.show({ state: 'RUNNING' })
    for (let i = 0; i < 100; i += 1) status.setCondition(`C_${i}`, 'x'.repeat(5000))
    const lines = (last() ?? '').split('\n')
    expect(lines).toHaveLength(17)
    expect(lines.at(-1)).toContain('CONDITIONS_OMITTED')
    expect(last()?.length).toBeLessThan(17_000)
    expect(exposed().match(/task_condition\{/gu)).toHaveLength(16)
  })

  it('refuses a code that is none', () => {
    const { status } = running()
    for (const code of ['', 'lower', 'WITH SPACE', 'X'.repeat(65)])
      expect(() => status.setCondition(code, 'a')).toThrow(expect.objectContaining({ code: 'CONDITION_CODE' }))
  })

  it('says nothing once the task ends: FAILED has a trace of its own', () => {
    const { status, control, writes, logger } = running()
    status.show({ state: 'RUNNING' })
    control.fail(new RangeError('broken'))
    status.setCondition('X', 'too late')
    status.show({ state: 'PAUSED', waiting: { by: status, reason: 'too late' } })
    expect(writes).toEqual(['RUNNING'])
    expect(logger.lines.map(({ message }) => message)).toEqual(['the task is RUNNING'])
  })
})
