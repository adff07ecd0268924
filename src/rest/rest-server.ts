import { type ListenAddress, isLoopback } from '../foundation/network/listen-address.ts'
import type { Server, ServerOptions } from 'node:http'

import type { Refusal } from './rest-error.ts'

import { LogStreaks } from '../foundation/logging/log-streaks.ts'
import { RestConnections } from './limits/rest-connections.ts'
import { defaultRestLimits, type RestLimits } from '../config/worker/rest-limits.ts'
import { ListenError } from './rest-error.ts'
import { countRefused, RestHandler, type RestHandlerOptions } from './rest-handler.ts'

export interface RestOptions extends Omit<RestHandlerOptions, 'limits' | 'streaks'> {
  /** Port 0 takes a free one. */
  readonly listeners: readonly ListenAddress[]
  /** Names under which clients may call it besides: see {@link CalledListener}. */
  readonly hosts?: readonly string[]
  /** Where they differ from the defaults. */
  readonly limits?: Partial<RestLimits>
}

/** The running REST API. */
export interface RestServer {
  /** The first listener: `http://127.0.0.1:8083`. */
  readonly url: string
  /** What was really bound, in the order of the listeners. */
  readonly addresses: readonly ListenAddress[]
  /** Takes no more requests; those under way may end within `graceMs` (5 s), then their connections are cut. */
  close(graceMs?: number): Promise<void>
}

// An import as an ES module would evaluate the module's lazy members: 14 MB.
const { createServer } = process.getBuiltinModule('node:http')

/** How often connections are looked at whose request takes too long to come, at least. */
const maxCheckMs = 5000

/**
 * Serves Kafka Connect's REST API, as openapi.yaml describes it, on all listeners.
 * @throws ListenError saying which address cannot be taken and what to do
 */
export async function startRest(options: RestOptions): Promise<RestServer> {
  const { hosts = [], meters, clock, logger } = options
  const limits = { ...defaultRestLimits, ...options.limits }
  const streaks = new LogStreaks(clock, logger)
  const handler = new RestHandler({ ...options, limits, streaks })
  const refused = (reason: Refusal): void => countRefused(meters, reason)
  const open = meters.gauge('http_connections', 'Open connections to the REST API')
  const opened = (count: number): void => open.set(count)
  const connections = new RestConnections({ limits, clock, streaks, refused, opened })
  const servers: Server[] = []
  const addresses: ListenAddress[] = []
  try {
    for (const listener of options.listeners) {
      const loopback = isLoopback(listener.host)
      const server = createServer(timeoutsOf(limits), (message, response) => {
        const entered = connections.enter(message, response)
        if (entered === null) return
        void handler.handle(message, response, { loopback, hosts, open: () => server.listening }, entered)
      })
      connections.watch(server)
      servers.push(server)
      addresses.push({ host: listener.host, port: await listen(server, listener) })
    }
  } catch (error) {
    for (const server of servers) server.close()
    throw error
  }
  const [first = { host: '127.0.0.1', port: 0 }] = addresses
  return {
    url: urlOf(first),
    addresses,
    close: async (graceMs = 5000) => {
      await Promise.all(servers.map((server) => close(server, graceMs, options)))
      streaks.close()
    },
  }
}

/** Node's own, for connections that begin a request and do not send all of it, and for those that send none. */
function timeoutsOf({ maxIdleMs, maxReceiveMs }: RestLimits): ServerOptions {
  return {
    keepAliveTimeout: maxIdleMs,
    headersTimeout: maxReceiveMs,
    requestTimeout: maxReceiveMs,
    connectionsCheckingInterval: Math.min(maxCheckMs, Math.ceil(maxReceiveMs / 2)),
  }
}

function urlOf({ host, port }: ListenAddress): string {
  const name = host === '' || host === '0.0.0.0' || host === '::' ? 'localhost' : host
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`
}

function listen(server: Server, { host, port }: ListenAddress): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, host, port)))
    server.listen({ port, ...(host === '' ? {} : { host }) }, () => {
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : port)
    })
  })
}

function listenError(cause: NodeJS.ErrnoException, host: string, port: number): ListenError {
  const reasons: Readonly<Record<string, string>> = {
    EADDRINUSE: 'another process has the port',
    EADDRNOTAVAIL: 'this machine has no such address',
    EACCES: 'this user may not take the port',
  }
  const reason = reasons[cause.code ?? ''] ?? cause.message
  const where = host === '' ? `port ${port}` : `${host}:${port}`
  return new ListenError(
    `The REST API cannot listen on ${where}: ${reason}. Choose another address, such as listeners=http://127.0.0.1:18083`,
    { cause, code: 'REST_LISTEN' },
  )
}

async function close(server: Server, graceMs: number, { clock }: RestOptions): Promise<void> {
  const cancel = clock.after(graceMs, () => server.closeAllConnections())
  await new Promise<void>((resolve) => {
    server.close(() => resolve())
    server.closeIdleConnections()
  })
  cancel()
}
