import { ConnectError } from 'penstock/api'
import { describe, expect, it } from 'vitest'

import { retriesOf } from '../../../connectors/elasticsearch-sink/requests.ts'
import { systemClock } from '../../../src/foundation/clock.ts'
import { quietLogger } from '../../support/quiet-logger.ts'

const never = new AbortController().signal

function retries(maxRetries = -1) {
  const shown: (string | null)[] = []
  const logger = quietLogger()
  const settings = { maxRetries, retryBackoffMs: 0 }
  return {
    shown,
    logger,
    retries: retriesOf(
      settings,
      systemClock,
      logger,
      () => undefined,
      (reason) => shown.push(reason),
    ),
  }
}

describe('waiting for Elasticsearch', () => {
  it('is told and shown once a request fails for the third time, and over when that request gets through', async () => {
    const { retries: some, shown, logger } = retries()
    for (const attempt of [1, 2]) await some.wait(attempt, 'index closed', never)
    expect(shown).toEqual([])
    await some.wait(3, 'index closed', never)
    expect(shown).toEqual(['Elasticsearch is not available, and is tried again: index closed'])
    some.over(1)
    expect(shown).toHaveLength(1)
    some.over(4)
    expect(shown.at(-1)).toBeNull()
    expect(logger.lines.filter(({ level }) => level === 'warn').map(({ message }) => message)).toEqual([
      'Elasticsearch is not available, attempt 3; trying again: index closed',
      'Elasticsearch is available again',
    ])
  })

  it('fails by name when max.retries is used up', async () => {
    const { retries: few } = retries(1)
    await few.wait(1, 'down', never)
    await expect(few.wait(2, 'down', never)).rejects.toThrow(ConnectError)
  })
})
