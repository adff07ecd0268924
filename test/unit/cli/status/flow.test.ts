import { expect, it } from 'vitest'

import { flowOf, lagText } from '../../../../src/cli/status/flow.ts'
import type { ConnectorActivity, TaskCounts } from '../../../../src/cli/rest-client/penstock-entities.ts'

function sinkWith(lag: TaskCounts['lag']): ConnectorActivity {
  const counts = { records_read: 5, records_written: 3, errors: 0, dead_letters: 0 }
  const activity = { ...counts, lag, behind_seconds: null, wal_retained_bytes: null }
  const task = { id: 0, state: 'RUNNING', trace: null, activity }
  return { type: 'sink', class: 'FileStreamSink', state: 'RUNNING', trace: null, tasks: [task] }
}

it.each([
  ['none, when each partition is read to its end', [{ records: 0 }, { records: 0 }], 'none'],
  ['the records of all partitions', [{ records: 1200 }, { records: 34 }], '1,234 records'],
  ['not known, when the task tells of no partition, as one that failed', [], ''],
])('the lag of a sink is %s', (_what, lag, text) => {
  expect(lagText(flowOf(sinkWith(lag)))).toBe(text)
})
