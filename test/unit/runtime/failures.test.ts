import { expect, it } from 'vitest'

import { ConfigError, ConnectError, DataError, RetriableError } from '../../../src/api/errors.ts'
import { BrokerError, ConnectionError } from '../../../src/client/errors.ts'
import { DeadlineExceededError } from '../../../src/foundation/async/deadline.ts'
import { errorCodes } from '../../../src/protocol/error-codes.ts'
import { isTransient } from '../../../src/runtime/failures.ts'
import { fromTransferred, toTransferred } from '../../../src/runtime/thread/transferred-error.ts'

const coded = (code: string, cause?: unknown): Error =>
  Object.assign(new TypeError('it failed', cause === undefined ? {} : { cause }), { code })
const circle = new TypeError('a circle')
circle.cause = circle

it.each<[string, unknown, boolean]>([
  ['a RetriableError', new RetriableError('x'), true],
  ['an error around one', new ConnectError('x', { cause: new RetriableError('y') }), true],
  ['a lost connection to the broker', new ConnectionError('x'), true],
  ['a broker that is not available', new BrokerError(errorCodes.COORDINATOR_NOT_AVAILABLE, 'x'), true],
  ['an exceeded deadline', new DeadlineExceededError('x'), true],
  ['a connection that was reset', coded('ECONNRESET'), true],
  ['a failed fetch', new TypeError('fetch failed', { cause: coded('UND_ERR_CONNECT_TIMEOUT') }), true],
  ['a host with several addresses', new AggregateError([coded('ECONNREFUSED')], 'x'), true],
  ['a Postgres that shuts down', coded('57P01'), true],
  ['a lost connection of a Postgres driver', coded('08006'), true],
  ['an invalid config, whatever its cause', new ConfigError('x', { cause: coded('ECONNREFUSED') }), false],
  ['invalid data', new DataError('x'), false],
  ['an authorization error', new BrokerError(errorCodes.TOPIC_AUTHORIZATION_FAILED, 'x'), false],
  [
    'a record that is too large',
    new ConnectError('x', { cause: new BrokerError(errorCodes.MESSAGE_TOO_LARGE, 'y') }),
    false,
  ],
  ['a wrong password in Postgres', coded('28P01'), false],
  ['a file that is missing', coded('ENOENT'), false],
  ['any other error', new TypeError('x'), false],
  ['what is no error', 'ECONNRESET', false],
  ['a circle of causes', circle, false],
])('%s: a restart may help or not', (_what, error, mayPass) => {
  expect(isTransient(error)).toBe(mayPass)
  expect(isTransient(fromTransferred(toTransferred(error)))).toBe(mayPass)
})
