import { describe, expect, it } from 'vitest'

import type { ConfigRecord } from '../../../src/storage/config-record.ts'
import type { RunStatus } from '../../../src/storage/status-record.ts'
import { config, herd, type HerdOptions } from '../../support/rest/herder-harness.ts'

const status: RunStatus = { state: 'UNASSIGNED', trace: null, workerId: 'other', generation: 1 }
const before: readonly ConfigRecord[] = [
  { type: 'connector', connector: 'a', config },
  { type: 'task', connector: 'a', task: 0, config },
  { type: 'commit', connector: 'a', tasks: 1 },
]

/** A leader that has read four statuses of another worker. */
async function told(options: HerdOptions, leads = true) {
  const herding = await herd({ before, ...options })
  herding.lease.isValid = leads
  const { topic } = herding.statuses
  topic.writes.length = 0
  for (const connector of ['a', 'b']) topic.read({ type: 'connector', connector, status })
  for (const task of [0, 1]) topic.read({ type: 'task', connector: 'a', task, status })
  return topic.writes.filter((write) => write.endsWith('removed'))
}

describe('statuses that a worker reports of what is not configured any more', () => {
  it('are removed by the leader as soon as it reads them', async () => {
    expect(await told({})).toEqual(['b removed', 'a-1 removed'])
  })

  it('are left to the leader, and to one that has heard from its group: another may know an old configuration', async () => {
    expect(await told({ isLeader: false })).toEqual([])
    expect(await told({}, false)).toEqual([])
  })
})
