import { describe, expect, it } from 'vitest'

import { RetriableError } from '../../../src/api/errors.ts'
import { Meters } from '../../../src/foundation/meters.ts'
import { RetryStreak } from '../../../src/runtime/task-thread/retry-streak.ts'
import { TaskControl } from '../../../src/runtime/task-thread/task-control.ts'
import { TaskStatus } from '../../../src/runtime/task-thread/task-status.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { quietLogger } from '../../support/quiet-logger.ts'

function streak() {
  const states: string[] = []
  const logger = quietLogger()
  const control = new TaskControl(false)
  const metrics = new Meters()
  const status = new TaskStatus({
    control,
    events: {
      onState: (state, trace) => states.push(trace === null ? state : `${state}: ${trace.split('\n')[0] ?? ''}`),
      onTopic: () => undefined,
    },
    logger,
    metrics,
  })
  status.show({ state: 'RUNNING' })
  const retries = new RetryStreak({
    control,
    status,
    clock: new ManualClock(),
    logger,
    retries: metrics.counter('retries', ''),
  })
  return { retries, states, logger }
}

describe('calls of a task that keep failing', () => {
  it('show in its status why it waits as it is, not as it began, and each reason once', () => {
    const { retries, states, logger } = streak()
    retries.failed('poll', new RetriableError('the connection was ended'))
    retries.failed('poll', new RetriableError('too many connections'))
    retries.failed('poll', new RetriableError('too many connections'))
    expect(states).toEqual([
      'RUNNING',
      'RUNNING: poll failed and is tried again: RetriableError: the connection was ended',
      'RUNNING: poll failed and is tried again: RetriableError: too many connections',
    ])
    expect(logger.lines).toHaveLength(3)
    retries.ended()
    retries.failed('poll', new RetriableError('too many connections'))
    expect(states.slice(3)).toEqual([
      'RUNNING',
      'RUNNING: poll failed and is tried again: RetriableError: too many connections',
    ])
  })
})
