import type { ListenAddress } from '../../foundation/network/listen-address.ts'
import { createServer, type AddressInfo, type Server as TcpServer, type Socket } from 'node:net'
import type { Clock } from '../../foundation/clock.ts'
import { deferred } from '../../foundation/async/deferred.ts'
import { LogStreaks } from '../../foundation/logging/log-streaks.ts'
import type { Logger } from '../../foundation/logging/logger.ts'
import { Turns } from '../../foundation/async/turns.ts'
import type { Authenticator } from './authentication.ts'
import { ListenError } from '../broker-error.ts'
import { Connection } from './connection.ts'
import { ConnectionAdmission } from './connection-admission.ts'
import { defaultConnectionLimits, type ConnectionLimits } from './connection-limits.ts'
import { ConnectionMemory } from './connection-memory.ts'
import { OwnListener } from './own-listener.ts'
import type { Router } from '../requests/router.ts'

/** Creates the TCP server. Its sockets are paused. */
export type TcpServerFactory = (onConnection: (socket: Socket) => void) => TcpServer

const createTcpServer: TcpServerFactory = (onConnection) => createServer({ pauseOnConnect: true }, onConnection)

/** How long the thread works for clients before sockets, the disk and the worker's own requests get their turn. */
const sliceMs = 10
/** Interval of the checks for stalled connections. */
const sweepMs = 5000

/** The listeners of the broker: TCP, and a Unix domain socket for the worker that owns it. */
export class Server {
  readonly address: ListenAddress
  /** The path of the worker's own socket; null when there is none. */
  readonly ownPath: string | null
  readonly #own: OwnListener | null
  readonly #server: TcpServer
  readonly #connections: ConnectionAdmission<Connection>
  /** The memory that all connections share. */
  readonly memory: ConnectionMemory
  readonly #clock: Clock
  readonly #stopSweeps: () => void

  private constructor(parts: {
    readonly server: TcpServer
    readonly address: ListenAddress
    readonly own: OwnListener | null
    readonly connections: ConnectionAdmission<Connection>
    readonly memory: ConnectionMemory
    readonly clock: Clock
    readonly stopSweeps: () => void
  }) {
    this.#server = parts.server
    this.address = parts.address
    this.#own = parts.own
    this.ownPath = parts.own?.path ?? null
    this.#connections = parts.connections
    this.memory = parts.memory
    this.#clock = parts.clock
    this.#stopSweeps = parts.stopSweeps
  }

  /**
   * @param options.ownPath for connections of the worker itself: they are not counted, and their requests do not wait for others
   * @throws ListenError when the address is not available.
   */
  static async listen(options: {
    readonly listen: ListenAddress
    readonly router: Router
    readonly clock: Clock
    readonly logger: Logger
    readonly limits?: ConnectionLimits
    /** For log lines that clients cause; closed with the server. */
    readonly streaks?: LogStreaks
    /** Authenticates clients; null or none: every client that can connect may use the broker. */
    readonly authenticator?: Authenticator | null
    readonly ownPath?: string
    /** The network; that of the machine by default. */
    readonly createTcpServer?: TcpServerFactory | undefined
  }): Promise<Server> {
    const { listen, router, clock, logger, limits = defaultConnectionLimits, authenticator = null } = options
    const streaks = options.streaks ?? new LogStreaks(clock, logger)
    const connections = new ConnectionAdmission<Connection>(limits)
    const memory = new ConnectionMemory(limits)
    const turns = new Turns(clock, sliceMs)
    const around = { router, limits, memory, turns, clock, logger, streaks, authenticator }
    const server = (options.createTcpServer ?? createTcpServer)((socket) => {
      const address = socket.remoteAddress ?? 'unknown'
      const refusal = connections.refusalOf(address)
      if (refusal === null) {
        const connection = new Connection(socket, around, () => connections.remove(connection))
        connections.add(connection)
      } else {
        const cause = { kind: 'connection refused', client: address }
        streaks.log('warn', cause, `refused a connection: ${refusal}`, { client: address })
        socket.destroy()
      }
    })
    const address = await listening(server, listen)
    const own = options.ownPath === undefined ? null : await OwnListener.open(options.ownPath, around)
    server.on('error', (error) => logger.error('the listener failed', { error: error.message }))
    const all = (): Connection[] => [...connections, ...(own?.connections ?? [])]
    memory.requests.onExhausted = () => {
      for (const connection of all()) connection.regulateReading()
    }
    const stop = clock.every(sweepMs, () => {
      for (const connection of all()) connection.endIfStalled(clock.monotonic())
    })
    const stopSweeps = (): void => {
      stop()
      streaks.close()
    }
    return new Server({ server, address, own, connections, memory, clock, stopSweeps })
  }

  /** Open connections. */
  get connectionCount(): number {
    return this.#connections.count
  }

  /** Finishes requests in flight, for at most `graceMs`, and closes all connections (I9). */
  async close(graceMs = 5000): Promise<void> {
    this.#stopSweeps()
    const closed = deferred<void>()
    this.#server.close(() => closed.resolve())
    const cancel = this.#clock.after(graceMs, () => {
      for (const connection of [...this.#connections, ...(this.#own?.connections ?? [])]) connection.destroy()
    })
    await Promise.all(Array.from(this.#connections, (connection) => connection.finish()))
    await this.#own?.close()
    // A client that does not close its side keeps its socket half open, although it has received everything.
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
