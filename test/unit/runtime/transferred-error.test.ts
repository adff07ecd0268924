import { describe, expect, it } from 'vitest'

import { ConfigError, DataError, RetriableError } from '../../../src/api/errors.ts'
import { fromTransferred, toTransferred } from '../../../src/runtime/thread/transferred-error.ts'

const cross = (error: unknown): Error => fromTransferred(structuredClone(toTransferred(error)))

describe('errors that cross a thread boundary', () => {
  it('keep class, code, stage and place', () => {
    const crossed = cross(
      new DataError('bad bytes', { code: 'JSON_BAD', stage: 'VALUE_CONVERTER', topicPartition: 'orders-0' }),
    )
    expect(crossed).toBeInstanceOf(DataError)
    expect(crossed).toMatchObject({
      message: 'JSON_BAD: bad bytes',
      code: 'JSON_BAD',
      stage: 'VALUE_CONVERTER',
      topicPartition: 'orders-0',
    })
  })

  it('stay retriable', () => {
    expect(cross(new RetriableError('later'))).toBeInstanceOf(RetriableError)
    expect(cross(new ConfigError('never'))).not.toBeInstanceOf(RetriableError)
  })

  it('keep what a class of a plugin means that extends one of the contract', () => {
    class AcmeBusyError extends RetriableError {}
    expect(cross(new AcmeBusyError('later', { code: 'ACME_BUSY' }))).toBeInstanceOf(RetriableError)
    expect(cross(new AcmeBusyError('later', { code: 'ACME_BUSY' }))).toMatchObject({ code: 'ACME_BUSY' })
  })

  it('carry their stack with all causes', () => {
    const cause = new TypeError('the root')
    const crossed = cross(new DataError('outside', { cause }))
    expect(crossed.stack).toContain('outside')
    expect(crossed.stack).toContain('Caused by: TypeError: the root')
  })

  it('become ConnectErrors when their class is not of the contract', () => {
    expect(cross(new SyntaxError('odd'))).toMatchObject({ name: 'ConnectError', message: 'odd' })
    expect(cross('a text')).toMatchObject({ name: 'ConnectError', message: 'a text' })
  })
})
