import type { RequestListener, ServerOptions } from 'node:http'
import type { Clock } from '../foundation/clock.ts'
import type { Logger } from '../foundation/logging/logger.ts'
import type { Meters } from '../foundation/metrics/meters.ts'
import type { RegistryContext, RestContext, ServingWorker } from './route.ts'

import {
  formatListenAddress,
  isAnyAddress,
  isLoopback,
  type ListenAddress,
} from '../foundation/network/listen-address.ts'
import { LogStreaks } from '../foundation/logging/log-streaks.ts'
import { adminListenersKey, protocolOf, type RestListener } from '../config/worker/rest/listener.ts'
import type { ForwardTls, ListenerTls } from '../config/worker/rest/listener-tls.ts'
import type { CrossOrigin } from '../config/worker/rest/cross-origin.ts'
import type { ResponseHeader } from '../config/worker/rest/response-headers.ts'
import type { ServedPaths } from './request/served-paths.ts'
import { defaultRestLimits, type RestLimits } from '../config/worker/rest/rest-limits.ts'
import { OpenStreams } from './limits/open-streams.ts'
import { RestConnections, type RestHttpServer } from './limits/rest-connections.ts'
import { AuditLog } from './access/audit-log.ts'
import { RestAccess } from './access/rest-access.ts'
import type { UserLogins } from './access/user-logins.ts'
import { ActivityHistory } from './dashboard/activity-history.ts'
import { maskingHerder } from './masking/masking-herder.ts'
import { AccessToken } from './request/access-token.ts'
import { RequestLog } from './request-log.ts'
import { restApp, type RestAppOptions } from './rest-app.ts'
import { ListenError } from './rest-error.ts'
import { RestMeters } from './rest-meters.ts'
import { RestServerResponse } from './rest-server-response.ts'
import { allRoutes } from './routes/all-routes.ts'
import { docsRoutes } from './routes/docs-routes.ts'

/** What any server of routes has: listeners, limits, clients that may use it, logs. */
export interface ServingOptions {
  /** Port 0 binds a free port. */
  readonly listeners: readonly RestListener[]
  /** The setting that names them; `listeners` unless given. */
  readonly listenersKey?: string
  /** Those that serve only `/admin`, which {@link listeners} then do not serve. Absent: they do. */
  readonly adminListeners?: readonly RestListener[] | null
  /** The pages of other origins that may call the API. Absent: none may. */
  readonly crossOrigin?: CrossOrigin | null
  /** Headers of every response. */
  readonly headers?: readonly ResponseHeader[]
  /** More names under which clients may call the worker: see {@link CalledListener}. */
  readonly hosts?: readonly string[]
  readonly clock: Clock
  readonly logger: Logger
  /** For changes and refused log-ins. Absent: they are not logged there. */
  readonly audit?: Logger
  readonly meters: Meters
  /** Where they differ from the defaults. */
  readonly limits?: Partial<RestLimits>
  /** A request must carry it, unless it is to a {@link Route.probe} or from one of the {@link users}. */
  readonly token?: string
  /** The users that have access. With neither a token nor users, every client has. */
  readonly users?: UserLogins
  /** Of requests to other workers. Absent: that of the system. */
  readonly forwardTls?: ForwardTls | null
}

export interface RestOptions extends ServingOptions, Omit<RestContext, 'worker' | 'history' | 'now'> {
  /** Absent: one without metrics. */
  readonly worker?: ServingWorker
  /** Whether passwords in configs are hidden. Absent: they are shown, as in Kafka Connect. */
  readonly masksPasswords?: boolean
  /** Whether `/docs` and `/openapi.yaml` are served. Absent: they are not, as in Kafka Connect. */
  readonly servesDocs?: boolean
}

/** The running REST API. */
export interface RestServer {
  /** The first listener: `http://127.0.0.1:8083`. */
  readonly url: string
  /** The bound addresses: of the listeners in their order, then of those for `/admin`. */
  readonly addresses: readonly ListenAddress[]
  /** Stops accepting connections. Requests in progress have `graceMs` (5 s) to end; then their connections are destroyed. */
  close(graceMs?: number): Promise<void>
}

// An import as an ES module would evaluate the module's lazy members: 14 MB.
const { createServer } = process.getBuiltinModule('node:http')

/** The longest interval between checks for connections whose request takes too long to arrive. */
const maxCheckMs = 5000

/**
 * Serves Kafka Connect's REST API, as openapi.yaml describes it, on all listeners.
 * @throws ListenError that names the address that cannot be bound, and what to do
 */
export async function startRest(options: RestOptions): Promise<RestServer> {
  const { herder, clock, worker = { id: '', samples: () => [] } } = options
  const routes = [
    ...allRoutes,
    ...(options.servesDocs === true ? docsRoutes : []),
    // Loaded only where it is served.
    ...(options.registry === undefined ? [] : (await import('./registry/registry-routes.ts')).registryRoutes),
  ]
  const history = new ActivityHistory(clock, worker.samples)
  const shown = options.masksPasswords === true ? maskingHerder(herder, clock) : herder
  const context = { ...options, worker, herder: shown, history, now: () => clock.now() }
  const server = await serve(options, { context, routes, stage: () => herder.stage() })
  history.start()
  return {
    ...server,
    async close(graceMs) {
      await server.close(graceMs)
      history.close()
    },
  }
}

/** Serves the schema registry alone. @throws ListenError as {@link startRest} */
export async function startRegistryRest(options: ServingOptions, context: RegistryContext): Promise<RestServer> {
  const { registryRoutes } = await import('./registry/registry-routes.ts')
  return await serve(options, {
    context,
    routes: registryRoutes,
    stage: () => 'The schema registry waits for its topic.',
  })
}

async function serve<C>(
  options: ServingOptions,
  api: Pick<RestAppOptions<C>, 'context' | 'routes' | 'stage'>,
): Promise<RestServer> {
  const { hosts = [], clock, logger, token, users = null } = options
  const limits = { ...defaultRestLimits, ...options.limits }
  const streaks = new LogStreaks(clock, logger)
  const audit = options.audit === undefined ? null : new AuditLog(options.audit, clock)
  const meters = new RestMeters(options.meters)
  const connections = new RestConnections({ limits, clock, streaks, meters })
  const streams = new OpenStreams(clock)
  const app = await restApp({
    ...api,
    clock,
    log: new RequestLog(logger, streaks, audit),
    meters,
    limits,
    connections,
    streams,
    access: new RestAccess(token === undefined ? null : new AccessToken(token), users),
    forwardTls: options.forwardTls ?? null,
    crossOrigin: options.crossOrigin ?? null,
    headers: options.headers ?? [],
  })
  const servers: RestHttpServer[] = []
  const addresses: ListenAddress[] = []
  try {
    for (const { address, key, serves } of listenersOf(options)) {
      const server = serverOf(address.tls ?? null, limits, (message, response) => app.routing(message, response))
      const protocol = protocolOf(address)
      connections.watch(server, { loopback: isLoopback(address.host), hosts, serves, protocol })
      servers.push(server)
      addresses.push({ host: address.host, port: await listen(server, address, key) })
    }
  } catch (error) {
    for (const server of servers) server.close()
    throw error
  }
  const [first = { host: '127.0.0.1', port: 0 }] = addresses
  return {
    url: `${protocolOf(options.listeners[0] ?? first)}://${namedAddress(first)}`,
    addresses,
    close: async (graceMs = 5000) => {
      const closed = servers.map((server) => close(server, graceMs, clock))
      streams.close()
      connections.abandonHandshakes()
      await Promise.all(closed)
      await app.close()
      streaks.close()
      audit?.close()
    },
  }
}

interface Listener {
  readonly address: RestListener
  /** The setting that names it. */
  readonly key: string
  readonly serves: ServedPaths
}

function listenersOf({
  listeners,
  listenersKey = 'listeners',
  adminListeners = null,
}: ServingOptions): readonly Listener[] {
  const serves = adminListeners === null ? 'all' : 'all but admin'
  return [
    ...listeners.map((address) => ({ address, key: listenersKey, serves }) as const),
    ...(adminListeners ?? []).map((address) => ({ address, key: adminListenersKey, serves: 'admin' }) as const),
  ]
}

/** Node closes connections that do not complete a request in time, and those that send none. */
function serverOptions({ maxIdleMs, maxReceiveMs }: RestLimits): ServerOptions {
  return {
    ServerResponse: RestServerResponse,
    keepAliveTimeout: maxIdleMs,
    headersTimeout: maxReceiveMs,
    requestTimeout: maxReceiveMs,
    connectionsCheckingInterval: Math.min(maxCheckMs, Math.ceil(maxReceiveMs / 2)),
  }
}

function serverOf(tls: ListenerTls | null, limits: RestLimits, listener: RequestListener): RestHttpServer {
  const options = serverOptions(limits)
  if (tls === null) return createServer(options, listener)
  const { clientAuth, ...certificates } = tls
  // As an import: few workers need it.
  return process.getBuiltinModule('node:https').createServer(
    {
      ...options,
      ...certificates,
      handshakeTimeout: limits.maxReceiveMs,
      requestCert: clientAuth !== 'none',
      rejectUnauthorized: clientAuth === 'required',
    },
    listener,
  )
}

function namedAddress({ host, port }: ListenAddress): string {
  return formatListenAddress({ host: isAnyAddress(host) ? 'localhost' : host, port })
}

function listen(server: RestHttpServer, { host, port }: ListenAddress, key: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, { host, port }, key)))
    server.listen({ port, ...(host === '' ? {} : { host }) }, () => {
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : port)
    })
  })
}

function listenError(cause: NodeJS.ErrnoException, { host, port }: ListenAddress, key: string): ListenError {
  const reasons: Readonly<Record<string, string>> = {
    EADDRINUSE: 'another process uses the port',
    EADDRNOTAVAIL: 'this machine has no such address',
    EACCES: 'this user may not open the port',
  }
  const reason = reasons[cause.code ?? ''] ?? cause.message
  const where = host === '' ? `port ${port}` : formatListenAddress({ host, port })
  return new ListenError(
    `The REST API cannot listen on ${where}: ${reason}. Choose another address, such as ${key.startsWith('--') ? `${key} 127.0.0.1:18083` : `${key}=http://127.0.0.1:18083`}`,
    { cause, code: 'REST_LISTEN' },
  )
}

async function close(server: RestHttpServer, graceMs: number, clock: Clock): Promise<void> {
  const cancel = clock.after(graceMs, () => server.closeAllConnections())
  await new Promise<void>((resolve) => {
    server.close(() => resolve())
    server.closeIdleConnections()
  })
  cancel()
}
