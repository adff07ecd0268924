import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '../foundation/clock.ts'
import type { ResponseHeader } from '../config/worker/rest/response-headers.ts'
import type { CrossOrigin } from '../config/worker/rest/cross-origin.ts'
import type { ForwardTls } from '../config/worker/rest/listener-tls.ts'
import type { RestLimits } from '../config/worker/rest/rest-limits.ts'
import type { RestConnections } from './limits/rest-connections.ts'
import type { RequestLog } from './request-log.ts'
import type { RestMeters } from './rest-meters.ts'
import type { RestResponse, Route } from './route.ts'

import { Readable } from 'node:stream'

import { fastify } from 'fastify'
import { plainJson } from '../api/json/json-text.ts'
import { errorResponse } from './error-response.ts'
import { Caller } from './access/caller.ts'
import { authorize, type RestAccess } from './access/rest-access.ts'
import type { OpenStreams } from './limits/open-streams.ts'
import { RequestGate } from './limits/request-gate.ts'
import { CrossOriginRules, isPreflight } from './request/cross-origin.ts'
import { Exchange, exchangeKey, exchangeOf } from './request/exchange.ts'
import { checkMediaTypes } from './request/media-types.ts'
import { checkOrigin } from './request/origin-check.ts'
import { checkServed } from './request/served-paths.ts'
import { isSignedByWorker } from './request/worker-signature.ts'
import { hasBody, readBody } from './request/request-body.ts'
import { decodedParams, routedUrl, targetOf, withoutTrailingSlash } from './request/request-target.ts'
import { checkRegistryMedia } from './registry/registry-media.ts'
import { OverloadedError } from './rest-error.ts'
import { RouteCalls } from './route-calls.ts'
import { UnroutedRequests } from './unrouted.ts'

// An import as an ES module would evaluate the module's lazy members: 14 MB.
const { createServer, maxHeaderSize } = process.getBuiltinModule('node:http')

/** Methods for which fastify would read bodies. */
const methodsWithBody = ['DELETE', 'OPTIONS', 'PATCH', 'PUT', 'POST', 'QUERY']

export interface RestAppOptions<C> {
  readonly context: C
  readonly routes: readonly Route<C>[]
  /** What the server is doing, for requests that take too long. */
  readonly stage: () => string
  readonly clock: Clock
  readonly log: RequestLog
  readonly meters: RestMeters
  readonly limits: RestLimits
  readonly connections: RestConnections
  readonly access: RestAccess
  readonly streams: OpenStreams
  /** Of requests to other workers; null: that of the system. */
  readonly forwardTls: ForwardTls | null
  /** Null: pages of other origins may not call the API. */
  readonly crossOrigin: CrossOrigin | null
  /** Of every response. */
  readonly headers: readonly ResponseHeader[]
}

/** The REST API as a fastify instance. The servers of its listeners pass their requests to `routing`. */
export async function restApp<C>(options: RestAppOptions<C>): Promise<FastifyInstance> {
  const app = fastify({
    // One that never listens: there may be several listeners, and their limits are ours.
    serverFactory: () => createServer(),
    rewriteUrl: ({ url = '/', headers }) => routedUrl(targetOf(url, headers.host)),
    routerOptions: { maxParamLength: maxHeaderSize },
    // Routes have no schemas: openapi.yaml is the contract. Without these two, fastify would load ajv.
    schemaController: { compilersFactory: { buildValidator: noCompiler, buildSerializer: noCompiler } },
  })
  // Our hook reads all bodies, with any method: within budgets, and with Jersey's rules for media types.
  for (const method of methodsWithBody) app.addHttpMethod(method, { hasBody: false, overrideExisting: true })
  app.decorateRequest(exchangeKey)
  await new RestLifecycle(options).register(app)
  await app.ready()
  return app
}

function noCompiler(): never {
  throw new TypeError('Routes have no schemas')
}

/** The steps of every request, in the order in which fastify calls them. */
class RestLifecycle<C> {
  readonly #options: RestAppOptions<C>
  readonly #gate: RequestGate
  readonly #calls: RouteCalls<C>
  readonly #unrouted: UnroutedRequests
  readonly #probes: ReadonlySet<string>
  /** Null: there are none. */
  readonly #crossOrigin: CrossOriginRules | null
  /** By name, in lower case. */
  readonly #headers: ReadonlyMap<string, readonly ResponseHeader[]>

  constructor(options: RestAppOptions<C>) {
    this.#options = options
    this.#gate = new RequestGate(options.clock, options.limits)
    this.#calls = new RouteCalls({ ...options, gate: this.#gate })
    this.#unrouted = new UnroutedRequests(options.routes)
    const { crossOrigin, access } = options
    this.#crossOrigin = crossOrigin === null ? null : new CrossOriginRules(crossOrigin, access.isRequired)
    this.#headers = Map.groupBy(options.headers, ({ name }) => name.toLowerCase())
    this.#probes = new Set(options.routes.filter(({ probe }) => probe === true).map(({ path }) => path))
  }

  async register(app: FastifyInstance): Promise<void> {
    app.addHook('onRequest', (request, reply, done) => {
      if (this.#accept(request, reply)) done()
    })
    // Before clients are authenticated: pages of allowed origins may read that refusal, and preflight requests carry nothing.
    if (this.#crossOrigin !== null) await this.#registerCrossOrigin(app, this.#crossOrigin)
    app.addHook('onRequest', (request, _reply, done) => {
      const authenticated = this.#authenticate(request)
      if (authenticated === null) done()
      else void authenticated.then(() => done(), done)
    })
    for (const route of this.#options.routes) this.#registerRoute(app, route)
    app.setNotFoundHandler((request) => this.#respondUnrouted(request))
    app.setErrorHandler((error, request) => this.#failed(error, request))
    app.addHook('preSerialization', (_request, reply, payload, done) => {
      writeHead(reply, payload as RestResponse)
      done(null, payload)
    })
    app.addHook('onSend', (request, reply, payload) =>
      this.#respond(request, reply, payload as string | Readable | undefined),
    )
  }

  async #registerCrossOrigin(app: FastifyInstance, rules: CrossOriginRules): Promise<void> {
    const { default: cors } = await import('@fastify/cors')
    // The plugin registers a route for all preflight requests. They get the response of the resource, as in Connect.
    app.addHook('onRoute', (route) => {
      if (route.method === 'OPTIONS') route.handler = (request) => this.#respondUnrouted(request)
    })
    await app.register(cors, {
      delegator: (request, callback) => callback(null, rules.optionsOf(request)),
    })
  }

  #registerRoute(app: FastifyInstance, route: Route<C>): void {
    app.route({
      method: route.method,
      url: route.path.replaceAll(/\{(\w+)\}/g, ':$1'),
      onRequest: (request, _reply, done) => {
        const exchange = exchangeOf(request)
        exchange.params = decodedParams(request.params as Record<string, string>)
        exchange.route = route
        if (exchange.isTrusted) authorize(exchange.caller, route, exchange.params)
        if (route.speaks === 'registry') checkRegistryMedia(request.raw)
        else if (route.respondsWith !== 'text') checkMediaTypes(request.raw, route.streams)
        done()
      },
      preValidation: async (request) => {
        const limits = { maxBytes: this.#options.limits.maxBodyBytes, budget: this.#gate.bodies }
        if (hasBody(request.raw)) exchangeOf(request).body = await readBody(request.raw, limits)
      },
      handler: async (request, reply) => {
        const exchange = exchangeOf(request)
        const response = await this.#calls.call(route, exchange)
        this.#options.log.change(exchange, response)
        return response.stream === undefined ? response : this.#stream(request, reply, response, response.stream)
      },
    })
  }

  /** The stream has no more in memory than its client has room for. The connection is of no further use. */
  #stream(
    request: FastifyRequest,
    reply: FastifyReply,
    head: RestResponse,
    parts: AsyncIterable<string>,
  ): RestResponse | FastifyReply {
    // Fastify would read the whole body of a response to HEAD.
    if (request.method === 'HEAD') return { status: head.status, headers: head.headers ?? {} }
    writeHead(reply, head)
    reply.header('connection', 'close')
    return reply.send(Readable.from(parts, { objectMode: false }))
  }

  #respondUnrouted(request: FastifyRequest): RestResponse {
    return this.#unrouted.respond(request.method, exchangeOf(request).target.path)
  }

  /** A new request, from an allowed origin. Returns false if it is one too many: its connection responds, and ends. */
  #accept(request: FastifyRequest, reply: FastifyReply): boolean {
    const { connections, clock } = this.#options
    const beganMs = clock.monotonic()
    const entered = connections.enter(request.raw, reply.raw)
    if (entered === null) {
      reply.hijack()
      return false
    }
    const exchange = new Exchange(request, reply.raw, entered, beganMs)
    request.setDecorator(exchangeKey, exchange)
    reply.serializer(bodyOf)
    const { listener } = entered.connection
    const { origin } = request.headers
    const isAllowedOrigin =
      origin !== undefined && listener.serves !== 'admin' && this.#crossOrigin?.allows(origin) === true
    exchange.isAllowedPreflight = isAllowedOrigin && isPreflight(request)
    checkOrigin({ host: exchange.target.host, origin, isAllowedOrigin }, listener)
    return true
  }

  /** The path is served here, and the client has authenticated if it has to. Null: this is known already. */
  #authenticate(request: FastifyRequest): Promise<void> | null {
    const { access } = this.#options
    const exchange = exchangeOf(request)
    const { authorization, target, connection, remote } = exchange
    checkServed(target.path, connection.listener.serves)
    const isProbe = this.#probes.has(withoutTrailingSlash(target.path))
    const isOpen = isProbe || isSignedByWorker(request.raw, target.path)
    const mayBeStranger = exchange.isAllowedPreflight || (isOpen && authorization === undefined)
    if (mayBeStranger && access.isRequired) return null
    const caller = access.callerOf(authorization, remote)
    if (caller instanceof Caller) {
      trust(exchange, caller)
      return null
    }
    return caller.then((verified) => trust(exchange, verified))
  }

  #failed(error: unknown, request: FastifyRequest): RestResponse {
    const { log, meters } = this.#options
    const exchange = exchangeOf(request)
    const response = errorResponse(error, exchange.route)
    log.change(exchange, response)
    log.failure(error, request.method, exchange)
    if (error instanceof OverloadedError) meters.refused(error.refusal)
    return response
  }

  /** The last step before the response is sent, once it is its turn on the connection. */
  async #respond(request: FastifyRequest, reply: FastifyReply, body: string | Readable | undefined): Promise<void> {
    const { clock, meters } = this.#options
    const exchange = exchangeOf(request)
    await exchange.begin()
    for (const [name, rules] of this.#headers) addHeader(reply, name, valuesOf(rules, clock))
    const { statusCode } = reply
    meters.responded(request.method, statusCode, clock.monotonic() - exchange.beganMs)
    // The rest of a body that is too long is not read; during a shutdown a connection is of no further use.
    const isCut = (statusCode === 413 || statusCode === 503) && !request.raw.complete
    if (isCut || !exchange.connection.listener.isOpen()) reply.header('connection', 'close')
    if (body instanceof Readable) {
      reply.raw.once('close', () => exchange.finish())
      return
    }
    if (request.method !== 'HEAD' && body !== undefined) this.#gate.countUnsent(Buffer.byteLength(body), reply.raw)
    exchange.finish()
  }
}

function trust(exchange: Exchange, caller: Caller): void {
  exchange.caller = caller
  exchange.isTrusted = true
}

function writeHead(reply: FastifyReply, { status, json, headers = {} }: RestResponse): void {
  reply.code(status)
  if (json !== undefined) reply.header('content-type', 'application/json')
  reply.headers(headers)
}

/** A header that the response has already stays. */
function addHeader(reply: FastifyReply, name: string, values: readonly string[]): void {
  if (!reply.hasHeader(name)) reply.header(name, values.length === 1 ? values[0] : values)
}

function valuesOf(headers: readonly ResponseHeader[], clock: Clock): readonly string[] {
  return headers.map(({ value }) =>
    'text' in value ? value.text : new Date(clock.now() + value.afterMs).toUTCString(),
  )
}

function bodyOf(payload: unknown): string {
  const { json, text = '' } = payload as RestResponse
  return json === undefined ? text : plainJson(json)
}
