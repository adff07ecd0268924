import { describe, expect, it } from 'vitest'

import type { ConfigRecord } from '../../../src/storage/config-record.ts'
import type { WorkerStatusStore } from '../../../src/herder/state/worker-status-store.ts'
import { config, herd } from '../../support/rest/herder-harness.ts'

const before: readonly ConfigRecord[] = [
  { type: 'connector', connector: 'a', config },
  { type: 'connector', connector: 'b', config: { ...config, name: 'b' } },
]
const statusesBefore = (statuses: WorkerStatusStore): void =>
  statuses.putTask({ connector: 'a', task: 0 }, 'RUNNING', null)
const isAboutOffsets = ({ message }: { readonly message: string }): boolean => message.includes('offset.storage.topic')

describe('a herder that starts', () => {
  it('warns of each source that ran before and has no offset any more', async () => {
    const { logger } = await herd({ before, statusesBefore, hasNoOffsets: true })
    const [warning, ...others] = logger.lines.filter(isAboutOffsets)
    expect(warning).toMatchObject({ level: 'warn', message: expect.stringContaining('start over: a. If') })
    expect(others).toEqual([])
  })

  it.each([
    ['the offset topic holds offsets', { before, statusesBefore }],
    ['no source ran before', { before, hasNoOffsets: true }],
  ])('does not warn of lost offsets when %s', async (_, options) => {
    const { logger } = await herd(options)
    expect(logger.lines.filter(isAboutOffsets)).toEqual([])
  })

  it('reports activity with each record of the config topic', async () => {
    const { configs, activity } = await herd({ before: [{ type: 'target-state', connector: 'a', state: 'PAUSED' }] })
    expect(activity.count).toBe(1)
    await configs.append({ type: 'target-state', connector: 'a', state: 'STARTED' })
    expect(activity.count).toBe(2)
  })
})
