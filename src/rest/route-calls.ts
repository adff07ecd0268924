import type { Clock } from '../foundation/clock.ts'
import type { ForwardTls } from '../config/worker/rest/listener-tls.ts'
import type { OpenStreams } from './limits/open-streams.ts'
import type { RequestGate } from './limits/request-gate.ts'
import type { Exchange } from './request/exchange.ts'
import type { RequestLog } from './request-log.ts'
import type { RestRequest, RestResponse, Route } from './route.ts'

import { NotAssignedError, NotLeaderError } from '../herder/herder-errors.ts'
import { checkReach, type RestAccess } from './access/rest-access.ts'
import { backoffMs } from '../foundation/async/backoff.ts'
import { forward, UnreachedWorkerError } from './forward/forward.ts'
import { RestError } from './rest-error.ts'

// Connect's own limit for requests to the herder.
const defaultTimeoutMs = 90_000
// A handler that can report how far it got (GET /health) may still do so after its time.
const lastWordsMs = 1000
// Longer than the session of a worker that was killed, and the rebalance after it.
const rebalanceMs = 15_000
const retryBackoff = { initialMs: 100, maxMs: 2000 }

/** The options of {@link RouteCalls}. */
export interface RouteCallsOptions<C> {
  readonly context: C
  readonly stage: () => string
  readonly clock: Clock
  readonly gate: RequestGate
  readonly log: RequestLog
  readonly access: RestAccess
  readonly streams: OpenStreams
  /** Of requests to other workers; null: that of the system. */
  readonly forwardTls: ForwardTls | null
}

/** Calls the handlers of routes: each in its turn, within its time, and on the worker that can carry it out. */
export class RouteCalls<C> {
  readonly #options: RouteCallsOptions<C>

  constructor(options: RouteCallsOptions<C>) {
    this.#options = options
  }

  /** The response of the route. The request's body is released whatever the outcome. */
  async call(route: Route<C>, exchange: Exchange): Promise<RestResponse> {
    let leave = (): void => undefined
    try {
      await exchange.begin()
      leave = await this.#options.gate.enter(route.isQuick?.(exchange.query) ?? false)
      if (route.method === 'GET' && exchange.connection.socket.destroyed)
        throw new RestError(400, 'The client disconnected before its turn')
      return await this.#withinTime(route, exchange)
    } finally {
      leave()
      exchange.body.release()
    }
  }

  async #withinTime(route: Route<C>, exchange: Exchange): Promise<RestResponse> {
    const { clock, stage } = this.#options
    const timeoutMs = route.timeoutMs ?? defaultTimeoutMs
    const controller = new AbortController()
    const timedOut = Promise.withResolvers<never>()
    const { isTrusted, caller, params, query, headers, target, body, connection } = exchange
    const error = (): RestError => new RestError(500, `Request timed out.${isTrusted ? ` ${stage()}` : ''}`)
    const cancels = [
      clock.after(timeoutMs, () => controller.abort(error())),
      clock.after(timeoutMs + lastWordsMs, () => timedOut.reject(error())),
    ]
    const base = `${connection.listener.protocol}://${target.host ?? 'localhost'}`
    const reach = (connector: string): void => {
      exchange.namedConnector = connector
      checkReach(caller, connector)
    }
    const { signal } = controller
    const openStream = (): AbortSignal => this.#options.streams.open(exchange.response)
    const request = { params, query, headers, body: body.text, isTrusted, caller, reach, base, signal, openStream }
    try {
      return await Promise.race([this.#here(route, exchange, request), timedOut.promise])
    } finally {
      for (const cancel of cancels) cancel()
    }
  }

  /** On this worker, or on the one that it names. While that one is not there, because the group rebalances, the request waits. */
  async #here(route: Route<C>, exchange: Exchange, request: RestRequest): Promise<RestResponse> {
    const { clock } = this.#options
    const until = clock.monotonic() + rebalanceMs
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#once(route, exchange, request)
      } catch (error) {
        const isElsewhere = error instanceof UnreachedWorkerError
        if (!isElsewhere || clock.monotonic() >= until || request.signal.aborted) throw error
        await clock.sleep(backoffMs(retryBackoff, attempt), request.signal)
      }
    }
  }

  async #once(route: Route<C>, exchange: Exchange, request: RestRequest): Promise<RestResponse> {
    const { context, access, log, forwardTls } = this.#options
    try {
      return await route.handle(request, context)
    } catch (error) {
      const elsewhere = error instanceof NotLeaderError || error instanceof NotAssignedError
      if (!elsewhere || route.forwardable !== true) throw error
      log.forwarded(route, error)
      return await forward(error, {
        method: route.method,
        path: exchange.target.path,
        request,
        // Workers of a group share the token and the users, and this request has shown one of them.
        ...access.forwarded(exchange),
        tls: forwardTls,
      })
    }
  }
}
