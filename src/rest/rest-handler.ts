import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '../foundation/clock.ts'
import type { LogStreaks } from '../foundation/logging/log-streaks.ts'
import type { Logger } from '../foundation/logging/logger.ts'
import type { Meters } from '../foundation/metrics/meters.ts'
import type { EnteredRequest } from './limits/rest-connections.ts'
import type { RestLimits } from '../config/worker/rest-limits.ts'
import type { Answer, RestContext, RestRequest, Route } from './route.ts'

import { ConnectError } from '../api/errors.ts'
import { NotAssignedError, NotLeaderError } from '../herder/herder-errors.ts'
import { logChange } from './audit.ts'
import { errorAnswer } from './error-answer.ts'
import { forward } from './forward.ts'
import { AccessToken, challenge, UnauthorizedError } from './request/access-token.ts'
import { checkMediaTypes, hasBody, readBody, writeAnswer, type Body } from './request/http-message.ts'
import { RequestGate } from './limits/request-gate.ts'
import { checkOrigin, RefusedCallerError, type CalledListener } from './request/origin-check.ts'
import { httpError, OverloadedError, RestError, type Refusal } from './rest-error.ts'
import { Router, type Match } from './router.ts'
import { allRoutes } from './routes/all-routes.ts'

export interface RestHandlerOptions extends RestContext {
  readonly clock: Clock
  readonly logger: Logger
  /** For what clients cause. */
  readonly streaks: LogStreaks
  readonly meters: Meters
  readonly limits: RestLimits
  /** What requests must carry, but those to a {@link Route.probe}; without it everybody may ask. */
  readonly token?: string
}

/** The listener that a request came in by. */
export interface ListenerState extends CalledListener {
  /** Whether it takes further requests. */
  open(): boolean
}

// Connect's own limit for what the herder is asked.
const defaultTimeoutMs = 90_000
// What is asked how far it got (GET /health) may still say so after its time.
const lastWordsMs = 1000

const secondBuckets = [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60]

const allowOrder = ['HEAD', 'POST', 'DELETE', 'PUT', 'PATCH', 'GET', 'OPTIONS']

/** A request that came in as a whole and leads to a route. */
interface Received {
  readonly route: Route
  /** As it came in, still encoded. */
  readonly path: string
  readonly query: URLSearchParams
  readonly body: Body
  readonly params: Readonly<Record<string, string>>
  readonly isTrusted: boolean
}

const noBody: Body = { text: '', release: () => undefined }
const probes: ReadonlySet<string> = new Set(allRoutes.filter(({ probe }) => probe === true).map(({ path }) => path))

/** HTTP ⇄ routes: everything that is the same for all of them. */
export class RestHandler {
  readonly #router = new Router(allRoutes)
  readonly #options: RestHandlerOptions
  readonly #gate: RequestGate
  readonly #token: AccessToken | null

  constructor(options: RestHandlerOptions) {
    this.#options = options
    this.#gate = new RequestGate(options.clock, options.limits)
    this.#token = options.token === undefined ? null : new AccessToken(options.token)
  }

  /** Answers one request. Never throws. */
  async handle(
    message: IncomingMessage,
    response: ServerResponse,
    listener: ListenerState,
    { connection, turn }: EnteredRequest,
  ): Promise<void> {
    const { clock, meters } = this.#options
    const began = clock.monotonic()
    const received = await this.#received(message, listener)
    await turn
    const done = connection.working()
    const answer = 'answer' in received ? received.answer : await this.#worked(message, received)
    const labels = { method: knownMethod(message.method), status: String(answer.status) }
    meters.counter('http_requests_total', 'Requests that the REST API responded to', labels).add(1)
    const seconds = meters.histogram('http_request_seconds', 'Time from a request to its response', secondBuckets)
    seconds.observe((clock.monotonic() - began) / 1000)
    // The rest of a body that is too long is not waited for; on the way down a connection is of no further use.
    const isCut = (answer.status === 413 || answer.status === 503) && !message.complete
    if (isCut || !listener.open()) response.setHeader('Connection', 'close')
    writeAnswer(answer, message.method, response, this.#gate.unsent)
    done()
  }

  /** Finds out what a request is, and reads its body. */
  async #received(message: IncomingMessage, listener: CalledListener): Promise<Received | { readonly answer: Answer }> {
    const { host, target } = addressed(message)
    const [path = '/', query = ''] = splitOnce(target, '?')
    let route: Route | null = null
    try {
      checkOrigin(host, message.headers.origin, listener)
      const isTrusted = this.#isTrusted(message, path)
      const match = this.#router.match(path)
      if (match === null) throw httpError(404)
      if (message.method === 'OPTIONS') return { answer: optionsAnswer(match) }
      route = match.routes.get(message.method === 'HEAD' ? 'GET' : (message.method ?? '')) ?? null
      if (route === null)
        return { answer: { ...errorAnswer(httpError(405), null), headers: { Allow: allowed(match).join(', ') } } }
      if (route.path !== '/metrics') checkMediaTypes(message)
      const limits = { maxBytes: this.#options.limits.maxBodyBytes, budget: this.#gate.bodies }
      const body = hasBody(message) ? await readBody(message, limits) : noBody
      return { route, path, query: new URLSearchParams(query), body, params: match.params, isTrusted }
    } catch (error) {
      return { answer: this.#failed(error, message, route, path) }
    }
  }

  /** Has the request done when it is its turn. */
  async #worked(message: IncomingMessage, received: Received): Promise<Answer> {
    const { route, path, query, body } = received
    let leave = (): void => undefined
    try {
      leave = await this.#gate.enter(route.isQuick?.(query) ?? false)
      if (route.method === 'GET' && message.socket.destroyed)
        throw new RestError(400, 'The client left before its turn')
      const answer = await this.#run(route, message, { ...received, body: body.text })
      this.#logChange(route, path, message, answer)
      return answer
    } catch (error) {
      return this.#failed(error, message, route, path)
    } finally {
      leave()
      body.release()
    }
  }

  #failed(error: unknown, message: IncomingMessage, route: Route | null, path: string): Answer {
    const answer = errorAnswer(error, route)
    this.#logChange(route, path, message, answer)
    this.#log(error, message, route)
    if (error instanceof UnauthorizedError) return { ...answer, headers: { 'WWW-Authenticate': challenge } }
    if (!(error instanceof OverloadedError)) return answer
    countRefused(this.#options.meters, error.refusal)
    return { ...answer, headers: { ...answer.headers, 'Retry-After': '1' } }
  }

  /**
   * Whether the request carries the token, or none is asked for.
   * @throws UnauthorizedError for one that does not, unless it asks a probe and shows nothing
   */
  #isTrusted({ headers: { authorization } }: IncomingMessage, path: string): boolean {
    if (this.#token === null || this.#token.accepts(authorization)) return true
    if (authorization === undefined && probes.has(path.replace(/\/$/, ''))) return false
    throw new UnauthorizedError(authorization === undefined ? 'no token' : 'a wrong token')
  }

  async #run(
    route: Route,
    message: IncomingMessage,
    parts: Pick<RestRequest, 'params' | 'query' | 'body' | 'isTrusted'> & { readonly path: string },
  ): Promise<Answer> {
    const { clock, herder } = this.#options
    const timeoutMs = route.timeoutMs ?? defaultTimeoutMs
    const controller = new AbortController()
    const timedOut = Promise.withResolvers<never>()
    const { isTrusted } = parts
    const error = (): RestError => new RestError(500, `Request timed out.${isTrusted ? ` ${herder.stage()}` : ''}`)
    const cancels = [
      clock.after(timeoutMs, () => controller.abort(error())),
      clock.after(timeoutMs + lastWordsMs, () => timedOut.reject(error())),
    ]
    const request: RestRequest = {
      params: parts.params,
      query: parts.query,
      body: parts.body,
      isTrusted,
      base: `http://${addressed(message).host ?? 'localhost'}`,
      signal: controller.signal,
    }
    try {
      return await Promise.race([this.#handled(route, message, request, parts.path), timedOut.promise])
    } finally {
      for (const cancel of cancels) cancel()
    }
  }

  async #handled(route: Route, message: IncomingMessage, request: RestRequest, path: string): Promise<Answer> {
    try {
      return await route.handle(request, this.#options)
    } catch (error) {
      const elsewhere = error instanceof NotLeaderError || error instanceof NotAssignedError
      if (!elsewhere || route.forwardable !== true) throw error
      this.#options.logger.debug(`${route.method} ${route.path} goes on to another worker: ${error.message}`)
      // Workers of a group share a token, which this request carried.
      const authorization = this.#token?.authorization ?? message.headers.authorization
      const isOwn = this.#token !== null
      return await forward(error, { method: route.method, path, request, authorization, isOwn })
    }
  }

  #logChange(route: Route | null, path: string, message: IncomingMessage, answer: Answer): void {
    if (route !== null) logChange(this.#options.streaks, { route, path, remote: message.socket.remoteAddress }, answer)
  }

  #log(error: unknown, message: IncomingMessage, route: Route | null): void {
    const what = `${message.method ?? ''} ${route?.path ?? 'unknown path'}`
    const { logger, streaks } = this.#options
    const client = message.socket.remoteAddress ?? ''
    if (error instanceof RefusedCallerError) {
      const text = `a request was refused: ${error.message}`
      streaks.log('warn', { kind: 'Host or Origin', client }, text, { remote: client })
    } else if (error instanceof UnauthorizedError) {
      const text = `a request was refused: it carried ${error.carried} (rest.token.file)`
      streaks.log('warn', { kind: 'token', client }, text, { remote: client })
    } else if (error instanceof ConnectError) logger.debug(`${what}: ${error.message}`)
    else streaks.log('error', { kind: what, client }, `${what} failed unexpectedly`, { error })
  }
}

/** Counts a request or connection that is refused. */
export function countRefused(meters: Meters, reason: Refusal): void {
  meters.counter('http_refused_total', 'Requests and connections that the REST API refused or ended', { reason }).add(1)
}

/** Whom and what the client asked for. As through a proxy, the request line may name both, and then counts. */
function addressed({ url = '/', headers }: IncomingMessage): {
  readonly host: string | undefined
  readonly target: string
} {
  const absolute = /^https?:\/\/([^/?#]*)(.*)$/is.exec(url)
  if (absolute === null) return { host: headers.host, target: url }
  const [, host, target = ''] = absolute
  return { host, target: target.startsWith('/') ? target : `/${target}` }
}

function allowed({ routes }: Match): readonly string[] {
  const methods = new Set([...routes.keys(), 'OPTIONS', ...(routes.has('GET') ? ['HEAD'] : [])])
  return allowOrder.filter((method) => methods.has(method))
}

/** What clients send as method is theirs to choose: a label has few values. */
function knownMethod(method = ''): string {
  return allowOrder.includes(method) ? method : 'other'
}

function optionsAnswer(match: Match): Answer {
  const methods = allowed(match)
  return { status: 200, text: methods.join(', '), headers: { 'Content-Type': 'text/plain', Allow: methods.join(',') } }
}

function splitOnce(text: string, separator: string): readonly string[] {
  const at = text.indexOf(separator)
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)]
}
