import { describe, expect, it } from 'vitest'

import { OperationRetry } from '../../../../../src/runtime/task-thread/errors/operation-retry.ts'

const failure = { stage: 'VALUE_CONVERTER', executingClass: 'C', error: null } as const

const retry = (retryTimeoutMs: number, retryDelayMaxMs: number): OperationRetry =>
  new OperationRetry({ retryTimeoutMs, retryDelayMaxMs }, failure, 1000)

describe('the retries of an operation', () => {
  it('wait for 300 ms, then twice as long each, and for a random part of the maximum above it', () => {
    const endless = retry(Number.POSITIVE_INFINITY, 2000)
    expect([1, 2, 3, 4, 5].map(() => endless.next(1000, 0.25))).toEqual([300, 600, 1200, 500, 500])
  })

  it('stay below the maximum after any number of attempts', () => {
    const endless = retry(Number.POSITIVE_INFINITY, 2000)
    for (let i = 0; i < 2000; i += 1) expect(endless.next(1000, 0.999)).toBeLessThan(2000)
  })

  it('end at the timeout, and the last one comes no later', () => {
    const bounded = retry(500, 60_000)
    expect(bounded.next(1000)).toBe(300)
    expect(bounded.next(1300)).toBe(200)
    expect(bounded.next(1500)).toBeNull()
  })

  it('belong to one stage and class', () => {
    expect(retry(1, 1).isOf(failure)).toBe(true)
    expect(retry(1, 1).isOf({ ...failure, stage: 'KEY_CONVERTER' })).toBe(false)
    expect(retry(1, 1).isOf({ ...failure, executingClass: 'D' })).toBe(false)
  })
})
