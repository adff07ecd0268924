import type { Clock } from '../../foundation/clock.ts'
import type { Logger } from '../../foundation/logging/logger.ts'
import type { Exchange } from '../request/exchange.ts'
import type { Operation, RestResponse } from '../route.ts'

import { clipped } from '../../foundation/logging/clipped.ts'
import { LogStreaks } from '../../foundation/logging/log-streaks.ts'
import { quoted } from '../../foundation/logging/quoted.ts'
import { TooManyLoginsError, UnauthorizedError } from './access-errors.ts'
import type { Caller } from './caller.ts'

/**
 * Who has changed what, and who was not let in: one line for each request that is not a GET, and for each log-in that was refused.
 * Lines hold no header, query or body (I8). Clients choose the names in them, but can neither end a line nor begin a field.
 *
 * What clients without an identity can repeat at will is summed up, as in the other logs: their refused requests, log-ins beyond
 * the limit, and wrong tokens of `rest.token.file`.
 */
export class AuditLog {
  readonly #logger: Logger
  readonly #streaks: LogStreaks

  constructor(logger: Logger, clock: Clock) {
    this.#logger = logger
    this.#streaks = new LogStreaks(clock, logger)
  }

  /** A request to change something, with its response. */
  change(exchange: Exchange, { operationId }: Operation, { status }: RestResponse): void {
    const { caller, remote = null } = exchange
    const subject = subjectOf(exchange)
    // Without credentials, a handler only lets in what a worker of the group has signed.
    const isSigned = !exchange.isTrusted && status < 400
    const fields = {
      operation: operationId,
      ...subject,
      user: caller.user,
      proof: isSigned ? 'signature' : caller.proof,
      remote,
      status,
      result: resultOf(status),
      // Another worker of the group has sent it, or a client that says so.
      ...(exchange.query.has('forward') ? { forwarded: true } : {}),
    }
    const what = [operationId, ...Object.entries(subject).map(([kind, name]) => `${kind} ${quoted(name)}`)].join(' ')
    const text = `${what} by ${isSigned ? 'a worker of the group' : nameOf(caller)} from ${remote ?? 'unknown'}: ${status}`
    if (caller.proof !== 'none' || status < 400) return this.#logger.info(text, fields)
    return this.#streaks.log('info', { kind: `${operationId} ${status}`, client: remote ?? '' }, text, fields)
  }

  /** An error that ended a request. Those of log-ins are logged, the others concern no log-in. */
  refusedLogin(error: unknown, exchange: Exchange): void {
    const { remote = null } = exchange
    const isRefused = (error instanceof UnauthorizedError && error.isRefused) || error instanceof TooManyLoginsError
    if (!isRefused) return
    const { user, status } = error
    // A name that no user has may be a password in the wrong place.
    const name = user === null ? 'an unknown user' : quoted(user)
    const text = `a log-in by ${name} from ${remote ?? 'unknown'} was refused: ${status}`
    const fields = { operation: 'login', user, remote, status, result: 'refused' }
    // These are limited for each address.
    if (error instanceof UnauthorizedError && error.setting === 'rest.users.file') this.#logger.warn(text, fields)
    else this.#streaks.log('warn', { kind: `login ${status}`, client: remote ?? '' }, text, fields)
  }

  /** Logs what was summed up. */
  close(): void {
    this.#streaks.close()
  }
}

/** What a request names in its path; a connector that it creates or validates is named in its body. */
function subjectOf({ params, namedConnector }: Exchange): Readonly<Record<string, string>> {
  // A field `logger` would replace the name of the logger that writes the line.
  const { logger, ...named } = params
  const subject = {
    ...named,
    ...(logger === undefined ? {} : { changedLogger: logger }),
    ...(namedConnector === null ? {} : { connector: namedConnector }),
  }
  return Object.fromEntries(Object.entries(subject).map(([kind, name]) => [kind, clipped(name)]))
}

function nameOf({ user, proof }: Caller): string {
  if (user !== null) return `user ${quoted(user)}`
  return proof === 'token' ? 'the token of rest.token.file' : 'anyone'
}

function resultOf(status: number): 'done' | 'refused' | 'failed' {
  if (status >= 500) return 'failed'
  return status >= 400 ? 'refused' : 'done'
}
