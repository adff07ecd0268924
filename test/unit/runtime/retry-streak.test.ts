import { describe, expect, it } from 'vitest'

import { RetriableError } from '../../../src/api/errors.ts'
import { Meters } from '../../../src/foundation/metrics/meters.ts'
import { RetryStreak } from '../../../src/runtime/task-thread/retry-streak.ts'
import { TaskControl } from '../../../src/runtime/task-thread/task-control.ts'
import { TaskStatus } from '../../../src/runtime/task-thread/task-status.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { quietLogger } from '../../support/quiet-logger.ts'
import { testRun } from '../../support/task/test-run.ts'

function streak() {
  const states: string[] = []
  const clock = new ManualClock()
  const logger = quietLogger()
  const control = new TaskControl(false)
  const metrics = new Meters()
  const status = new TaskStatus({
    control,
    run: testRun,
    listener: {
      onTaskState: (_run: unknown, state, trace) =>
        states.push(trace === null ? state : `${state}: ${trace.split('\n')[0] ?? ''}`),
      onTaskTopic: () => undefined,
    },
    logger,
    metrics,
  })
  status.show({ state: 'RUNNING' })
  const retries = new RetryStreak({
    control,
    status,
    clock,
    logger,
    retries: metrics.counter('retries', ''),
  })
  const warnings = (): readonly string[] =>
    logger.lines.flatMap(({ level, message }) => (level === 'warn' ? message : []))
  const waiting = (): boolean => metrics.samples().some(({ name }) => name === 'task_waiting')
  const count = (): unknown => metrics.samples().find(({ name }) => name.startsWith('retries'))
  return { retries, count, states, logger, clock, warnings, waiting }
}

describe('calls of a task that keep failing', () => {
  it('show in its status why it waits as it is, not as it began, and each reason once', () => {
    const { retries, states } = streak()
    retries.failed('poll', new RetriableError('the connection was ended'))
    retries.failed('poll', new RetriableError('too many connections'))
    retries.failed('poll', new RetriableError('too many connections'))
    expect(states).toEqual([
      'RUNNING',
      'RUNNING: poll failed and is retried: RetriableError: the connection was ended',
      'RUNNING: poll failed and is retried: RetriableError: too many connections',
    ])
    retries.recordSuccess()
    retries.failed('poll', new RetriableError('too many connections'))
    expect(states.slice(3)).toEqual([
      'RUNNING',
      'RUNNING: poll failed and is retried: RetriableError: too many connections',
    ])
  })

  it('log each reason of a streak once, as a line without a stack, and their end', () => {
    const { retries, logger, clock, warnings } = streak()
    for (let i = 0; i < 6; i += 1) {
      retries.failed('poll', new RetriableError(i % 2 === 0 ? 'no route' : 'no answer'))
      clock.advance(1000)
    }
    retries.recordSuccess()
    retries.recordSuccess()
    expect(warnings()).toEqual([
      'poll failed and is retried: no route',
      'poll failed and is retried: no answer',
      'poll recovered after 6 failures in 6.0 s',
    ])
    const withStack = logger.lines.filter(({ fields }) => fields?.['error'] !== undefined)
    expect(new Set(withStack.map(({ level }) => level))).toEqual(new Set(['debug']))
  })

  it('are counted, each of them', () => {
    const { retries, count } = streak()
    for (let i = 0; i < 3; i += 1) retries.failed('poll', new RetriableError('no route'))
    retries.recordSuccess()
    retries.failed('poll', new RetriableError('no route'))
    expect(count()).toMatchObject({ value: 4 })
  })

  it('log the reason of the streak before again when the calls succeeded between them', () => {
    const { retries, warnings } = streak()
    for (let i = 0; i < 2; i += 1) {
      retries.failed('poll', new RetriableError('no route'))
      retries.recordSuccess()
    }
    expect(warnings().filter((warning) => warning === 'poll failed and is retried: no route')).toHaveLength(2)
  })

  it('log a bounded number of reasons that always differ', () => {
    const { retries, warnings } = streak()
    for (let port = 0; port < 1000; port += 1) retries.failed('put', new RetriableError(`no route from port ${port}`))
    expect(warnings().length).toBeLessThan(10)
  })

  it('show nothing any more when what they need is there again, and wait longer when it soon fails again', () => {
    const { retries, states, clock, warnings, waiting } = streak()
    for (let i = 0; i < 8; i += 1) retries.failed('poll', new RetriableError('no route'))
    expect(waiting()).toBe(true)
    retries.recovered()
    retries.recovered()
    expect(states.at(-1)).toBe('RUNNING')
    expect(waiting()).toBe(false)
    expect(warnings().at(-1)).toMatch(/^poll recovered after/)
    clock.advance(9000)
    expect(retries.failed('poll', new RetriableError('no route'))).toBeGreaterThanOrEqual(5000)
    expect(states.at(-1)).toMatch(/no route/)
    expect(waiting()).toBe(true)
    retries.recovered()
    clock.advance(10_000)
    expect(retries.failed('poll', new RetriableError('no route'))).toBeLessThanOrEqual(200)
  })
})
