import { createServer, type AddressInfo, type Server as TcpServer } from 'node:net'
import type { Clock } from '../foundation/clock.ts'
import { deferred } from '../foundation/deferred.ts'
import type { Logger } from '../foundation/logger.ts'
import { ListenError } from './broker-error.ts'
import { Connection, defaultConnectionLimits, type ConnectionLimits } from './connection.ts'
import type { Router } from './router.ts'

/** Where to listen; port 0 takes a free one. */
export interface ListenAddress {
  readonly host: string
  readonly port: number
}

/** Connections at most; what comes on top is closed at once. */
const mostConnections = 2048

/** The TCP side of the broker. */
export class Server {
  readonly address: ListenAddress
  readonly #server: TcpServer
  readonly #connections: ReadonlySet<Connection>
  readonly #clock: Clock

  private constructor(server: TcpServer, address: ListenAddress, connections: ReadonlySet<Connection>, clock: Clock) {
    this.#server = server
    this.address = address
    this.#connections = connections
    this.#clock = clock
  }

  /** @throws ListenError when the address cannot be had. */
  static async listen(options: {
    readonly listen: ListenAddress
    readonly router: Router
    readonly clock: Clock
    readonly logger: Logger
    readonly limits?: ConnectionLimits
    /** Fewer than there are at most, where descriptors are short. */
    readonly maxConnections?: number
  }): Promise<Server> {
    const maxConnections = Math.min(options.maxConnections ?? mostConnections, mostConnections)
    const { listen, router, logger, limits = defaultConnectionLimits } = options
    const connections = new Set<Connection>()
    const server = createServer({ pauseOnConnect: true }, (socket) => {
      const connection = new Connection(socket, router, limits, logger, () => connections.delete(connection))
      connections.add(connection)
    })
    server.maxConnections = maxConnections
    server.on('drop', (data) =>
      logger.warn(`refused a connection: ${maxConnections} are open`, { client: data?.remoteAddress }),
    )
    const address = await listening(server, listen)
    server.on('error', (error) => logger.error('the listener failed', { error: error.message }))
    return new Server(server, address, connections, options.clock)
  }

  /** Answers what is under way, for `graceMs` at most, and ends all connections. */
  async close(graceMs = 5000): Promise<void> {
    const closed = deferred<void>()
    this.#server.close(() => closed.resolve())
    const cancel = this.#clock.after(graceMs, () => {
      for (const connection of this.#connections) connection.destroy()
    })
    await Promise.all([...this.#connections].map((connection) => connection.finish()))
    // A client that does not close its side keeps its socket half open: nothing is owed to it any more.
    for (const connection of this.#connections) connection.destroy()
    await closed.promise
    cancel()
  }
}

async function listening(server: TcpServer, listen: ListenAddress): Promise<ListenAddress> {
  const ready = deferred<void>()
  const onError = (error: NodeJS.ErrnoException): void => {
    const hint =
      error.code === 'EADDRINUSE' ? ': another process listens there. Choose another port, or stop that process' : ''
    ready.reject(
      new ListenError(`cannot listen on ${listen.host}:${listen.port} (${error.code ?? error.message})${hint}`, {
        cause: error,
      }),
    )
  }
  server.once('error', onError)
  server.listen({ host: listen.host, port: listen.port, backlog: 512 }, () => ready.resolve())
  await ready.promise
  server.off('error', onError)
  const { port } = server.address() as AddressInfo
  return { host: listen.host, port }
}
