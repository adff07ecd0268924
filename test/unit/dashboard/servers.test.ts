import { describe, expect, it } from 'vitest'

import type { TaskActivity } from '../../../dashboard/model/activity.ts'
import { connectorView } from '../../../dashboard/model/connector-view.ts'
import { slotFigures, snapshotProgress } from '../../../dashboard/model/postgres.ts'
import { workersOf } from '../../../dashboard/model/workers.ts'
import { activityOf, connectorEntry, taskEntry } from '../../support/dashboard/entries.ts'

const source = (activity: Partial<TaskActivity>): ReturnType<typeof connectorView> =>
  connectorView('shop', connectorEntry({ type: 'source', tasks: [taskEntry({}, activity)] }), [
    { time: 0, read: 0, written: 0, lag: null },
    { time: 10_000, read: 2000, written: 2000, lag: null },
  ])

describe('a Postgres source', () => {
  it('has a share of the WAL that Postgres keeps for it', () => {
    const figures = slotFigures(source({ wal_retained_bytes: 3e9, wal_budget_bytes: 8e9 }))
    expect(figures).toEqual({ retained: 3e9, budget: 8e9, share: 0.375 })
    expect(slotFigures(source({ wal_retained_bytes: 3e9 }))).toBeNull()
  })

  it.each([
    [{ rows: 2000, expected_rows: 10_000 }, 'Snapshot: 2,000 of about 10,000 rows, 40 s left', 0.2],
    [{ rows: 2000, expected_rows: 1000 }, 'Snapshot: 2,000 of about 1,000 rows, 0 s left', 1],
    [{ rows: 2000, expected_rows: null }, 'Snapshot: 2,000 rows so far', null],
  ])('shows how far its snapshot is: %j', (snapshot, text, share) => {
    expect(snapshotProgress(source({ snapshot }))).toEqual({ text, share })
  })

  it('shows no snapshot when none is in progress', () => {
    expect(snapshotProgress(source({}))).toBeNull()
  })
})

it('workers have what they run, the one that responds first', () => {
  const search = connectorEntry({ worker_id: 'b:1', tasks: [taskEntry({ worker_id: 'a:1' }), taskEntry({ id: 1 })] })
  expect(workersOf(activityOf({ search }))).toEqual([
    { id: 'w:1', connectors: [], tasks: [{ connector: 'search', task: 1, state: 'RUNNING' }] },
    { id: 'a:1', connectors: [], tasks: [{ connector: 'search', task: 0, state: 'RUNNING' }] },
    { id: 'b:1', connectors: ['search'], tasks: [] },
  ])
})
