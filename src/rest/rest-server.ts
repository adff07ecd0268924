import type { Server } from 'node:http'

import type { ListenAddress } from '../config/listener.ts'

import { isLoopback } from '../config/listener.ts'
import { ListenError } from './rest-error.ts'
import { RestHandler, type RestHandlerOptions } from './rest-handler.ts'

export interface RestOptions extends RestHandlerOptions {
  /** Port 0 takes a free one. */
  readonly listeners: readonly ListenAddress[]
  /** Names under which clients may call it besides: see {@link CalledListener}. */
  readonly hosts?: readonly string[]
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

// As long as Jetty keeps an idle connection.
const idleTimeoutMs = 90_000

/**
 * Serves Kafka Connect's REST API, as openapi.yaml describes it, on all listeners.
 * @throws ListenError saying which address cannot be taken and what to do
 */
export async function startRest(options: RestOptions): Promise<RestServer> {
  const handler = new RestHandler(options)
  const { hosts = [] } = options
  const servers: Server[] = []
  const addresses: ListenAddress[] = []
  try {
    for (const listener of options.listeners) {
      const loopback = isLoopback(listener.host)
      const server = createServer({ keepAliveTimeout: idleTimeoutMs }, (message, response) => {
        void handler.handle(message, response, { loopback, hosts, open: () => server.listening })
      })
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
    },
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
