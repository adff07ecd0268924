import { expect, it } from 'vitest'

import { systemClock } from '../../../../../src/foundation/clock.ts'
import { Meters } from '../../../../../src/foundation/metrics/meters.ts'
import { SinkPositions } from '../../../../../src/runtime/task-thread/sink/sink-positions.ts'
import { SinkRequests } from '../../../../../src/runtime/task-thread/sink/sink-requests.ts'
import { TaskControl } from '../../../../../src/runtime/task-thread/task-control.ts'
import { TaskStatus } from '../../../../../src/runtime/task-thread/task-status.ts'
import { quietLogger } from '../../../../support/quiet-logger.ts'
import { testRun } from '../../../../support/task/test-run.ts'

it('shows what a sink task waits for by itself, each reason once, until it continues or ends', () => {
  const shown: (string | null)[] = []
  const control = new TaskControl(false)
  const logger = quietLogger()
  const metrics = new Meters()
  const listener = {
    onTaskState: (_run: unknown, _state: string, trace: string | null) => shown.push(trace),
    onTaskTopic: () => undefined,
  }
  const status = new TaskStatus({ control, run: testRun, listener, logger, metrics })
  const given = { connector: 'c', task: 0, config: {}, raw: {}, logger, clock: systemClock, metrics }
  const context = new SinkRequests().context(given, {
    positions: new SinkPositions(),
    control,
    pause: () => undefined,
    resume: () => undefined,
    highWatermark: () => null,
    status,
    clusterId: null,
    topicId: () => null,
    reporter: null,
  })
  status.show({ state: 'RUNNING' })
  for (const reason of ['the index is closed', 'the index is closed', 'no answer', null, null])
    context.showWaiting?.(reason)
  expect(shown).toEqual([null, 'the index is closed', 'no answer', null])
  control.stop()
  context.showWaiting?.('too late')
  expect(shown).toHaveLength(4)
})
