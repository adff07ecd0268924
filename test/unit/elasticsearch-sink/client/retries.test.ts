import { ConnectError } from 'penstock/api'
import { describe, expect, it } from 'vitest'

import { Retries, type Trouble } from '../../../../connectors/elasticsearch-sink/client/retries.ts'
import { ManualClock } from '../../../support/manual-clock.ts'
import { quietLogger } from '../../../support/quiet-logger.ts'

const away: Trouble = { code: 'ES_UNAVAILABLE', reason: 'connect ECONNREFUSED' }
const closed: Trouble = { code: 'ES_INDEX_BLOCKED', reason: "document '1' of index 'a': index_closed_exception" }

function setUp(maxRetries = -1) {
  const shown = new Map<string, string>()
  const clock = new ManualClock()
  const retries = new Retries({ maxRetries, retryBackoffMs: 0 }, clock, quietLogger(), {
    onRetry: () => undefined,
    show: (code, message) => void (message === null ? shown.delete(code) : shown.set(code, message)),
  })
  return { shown, clock, retries }
}

describe('waiting for Elasticsearch', () => {
  it('raises a condition once a request fails for the third time: what, where, since when; and clears it on success', () => {
    const { retries, shown, clock } = setUp()
    const began = new Date(clock.now()).toISOString()
    const streak = retries.begin()
    for (const _ of [1, 2]) streak.failed(closed)
    expect(shown.size).toBe(0)
    clock.advance(5000)
    streak.failed(closed)
    expect(shown.get('ES_INDEX_BLOCKED')).toMatch(
      new RegExp(`an index rejects writes; .* since ${began}: document '1' of index 'a': index_closed_exception`),
    )
    streak.over()
    expect(shown.size).toBe(0)
  })

  it('keeps the condition while one request waits, even if others succeed', () => {
    const { retries, shown } = setUp()
    const [first, second, third] = [retries.begin(), retries.begin(), retries.begin()]
    for (const _ of [1, 2, 3]) {
      first.failed(closed)
      second.failed({ ...closed, reason: 'another index' })
      third.failed(away)
    }
    third.over()
    expect([...shown.keys()]).toEqual(['ES_INDEX_BLOCKED'])
    first.over()
    expect(shown.get('ES_INDEX_BLOCKED')).toContain('another index')
    second.failed(away)
    expect([...shown.keys()]).toEqual(['ES_UNAVAILABLE'])
    second.over()
    expect(shown.size).toBe(0)
  })

  it('clears the condition when the request is abandoned: the task stops, or max.retries is reached', async () => {
    const { retries, shown } = setUp(3)
    const streak = retries.begin()
    for (const _ of [1, 2, 3]) streak.failed(away)
    expect(shown.size).toBe(1)
    expect(() => streak.failed(away)).toThrow(ConnectError)
    expect(shown.size).toBe(0)
    const stopped = retries.begin()
    for (const _ of [1, 2]) stopped.failed(away)
    await expect(stopped.wait(away, AbortSignal.abort(new ConnectError('stopped')))).rejects.toThrow('stopped')
    expect(shown.size).toBe(0)
  })
})
