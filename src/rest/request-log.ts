import type { Logger } from '../foundation/logging/logger.ts'
import type { LogStreaks } from '../foundation/logging/log-streaks.ts'
import type { Exchange } from './request/exchange.ts'
import type { Operation, RestResponse } from './route.ts'

import { ConnectError } from '../api/errors.ts'
import { clipped } from '../foundation/logging/clipped.ts'
import type { AuditLog } from './access/audit-log.ts'
import { TooManyLoginsError, UnauthorizedError } from './access/access-errors.ts'
import { RefusedCallerError } from './request/origin-check.ts'

/** What the last part of a path has done to a connector or task. */
const actions: Readonly<Record<string, string>> = {
  pause: 'paused',
  resume: 'resumed',
  stop: 'stopped',
  restart: 'restarted',
}

/** The lines that requests leave in the worker's logs. */
export class RequestLog {
  readonly #logger: Logger
  readonly #streaks: LogStreaks
  readonly #audit: AuditLog | null

  /**
   * @param streaks for lines that clients cause: one line stands for many that a client repeats
   * @param audit receives each change and each refused log-in too
   */
  constructor(logger: Logger, streaks: LogStreaks, audit: AuditLog | null) {
    this.#logger = logger
    this.#streaks = streaks
    this.#audit = audit
  }

  /**
   * A request that changes something, or was rejected before it did: client, subject, action and status. No header, query or
   * body is logged: they may hold secrets (I8).
   */
  change(exchange: Exchange, response: RestResponse): void {
    const { route, target, remote } = exchange
    if (route === null || route.method === 'GET' || route.onlyReads === true) return
    this.#audit?.change(exchange, route, response)
    const { method, path: pattern } = route
    if (pattern.endsWith('/validate')) return
    const fields = { method, path: clipped(target.path), status: response.status, remote: remote ?? null }
    const client = remote ?? ''
    if (response.status >= 400) {
      const text = `a request ${response.status >= 500 ? 'failed' : 'was refused'}: ${method} ${pattern}`
      this.#streaks.log('info', { kind: `${text} ${response.status}`, client }, text, fields)
      return
    }
    const text =
      route.speaks === 'registry'
        ? `schema registry: ${route.operationId}`
        : `REST: ${subjectOf(route, target.path, response)} ${actionOf(route, response)}`
    this.#streaks.log('info', { kind: text, client }, text, fields)
  }

  forwarded({ method, path }: Operation, reason: Error): void {
    this.#logger.debug(`${method} ${path} is forwarded to another worker: ${reason.message}`)
  }

  /** An error that ended a request. */
  failure(error: unknown, method: string, exchange: Exchange): void {
    this.#audit?.refusedLogin(error, exchange)
    const { route, remote } = exchange
    const what = `${method} ${route?.path ?? 'unknown path'}`
    const client = remote ?? ''
    if (error instanceof RefusedCallerError) {
      const text = `a request was refused: ${error.message}`
      this.#streaks.log('warn', { kind: 'Host or Origin', client }, text, { remote: client })
    } else if (error instanceof UnauthorizedError) {
      const text = `a request was refused: it carried ${error.carried} (${error.setting})`
      this.#streaks.log('warn', { kind: 'token', client }, text, { remote: client })
    } else if (error instanceof TooManyLoginsError) {
      const text = 'a request was refused: too many log-ins from its address have failed (rest.users.file)'
      this.#streaks.log('warn', { kind: 'log-ins', client }, text, { remote: client })
    } else if (error instanceof ConnectError) this.#logger.debug(`${what}: ${error.message}`)
    else this.#streaks.log('error', { kind: what, client }, `${what} failed unexpectedly`, { error })
  }
}

function actionOf({ method, path }: Operation, { status }: RestResponse): string {
  const action = actions[path.slice(path.lastIndexOf('/') + 1)]
  if (action !== undefined) return action
  if (method === 'DELETE') return 'deleted'
  return status === 201 ? 'created' : 'updated'
}

/** The connector, or its task. The name of a connector that was just created is in the response's Location. */
function subjectOf(route: Operation, path: string, { headers }: RestResponse): string {
  const created = route.path === '/connectors' ? new URL(headers?.['Location'] ?? 'http://x').pathname : path
  const [, , connector = '', kind, task] = created.split('/')
  const name = clipped(decodeURIComponent(connector))
  return kind === 'tasks' ? `task ${name}-${task ?? ''}` : `connector ${name}`
}
