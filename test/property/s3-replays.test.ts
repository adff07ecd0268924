import fc from 'fast-check'
import { describe, it } from 'vitest'

import { replayStories, S3Replay, type ReplayStory } from '../support/s3/s3-replay.ts'

const life: ReplayStory['lives'][number] = {
  flushSize: 2,
  records: 3,
  outcomes: [],
  polls: 4,
  isRevoked: false,
  end: 'stop',
  diesAt: null,
}

describe('the S3 sink, to which the records of dead letters are delivered again,', () => {
  it('stores them in objects of their own, beside those that have the records after them', async () => {
    const kinds = ['letter', 'record', 'both', 'letter', 'record', 'letter'] as const
    await S3Replay.run({ kinds, flushSize: 1, lives: [life, life], isContinued: true })
  })

  it('ends that also when no record arrives', async () => {
    await S3Replay.run({ kinds: ['record', 'letter', 'letter'], flushSize: 1, lives: [], isContinued: false })
  })

  it(
    'stores each letter in one of them, and every other offset once, whatever happens to its commits and its process (I1, I9)',
    { timeout: 300_000 },
    async () => {
      await fc.assert(
        fc.asyncProperty(replayStories, async (story) => await S3Replay.run(story)),
        { numRuns: 20, endOnFailure: true },
      )
    },
  )
})
