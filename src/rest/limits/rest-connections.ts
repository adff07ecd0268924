import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Server as HttpsServer } from 'node:https'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { LogStreaks } from '../../foundation/logging/log-streaks.ts'
import type { Refusal } from '../rest-error.ts'
import type { RestMeters } from '../rest-meters.ts'
import type { RestLimits } from '../../config/worker/rest/rest-limits.ts'

import { OpenConnections } from '../../foundation/network/open-connections.ts'
import { handshakeRefusal, requestedRefusal, TlsHandshakes, type TlsRefusal } from './tls-handshakes.ts'
import { RestConnection, type ConnectionSurroundings, type ListenerState } from './rest-connection.ts'

/** The server of a listener. */
export type RestHttpServer = Server | HttpsServer

/** What the connections of all listeners share. */
export interface ConnectionsOptions extends ConnectionSurroundings {
  readonly streaks: LogStreaks
  readonly meters: RestMeters
}

/** A request that is accepted. */
export interface EnteredRequest {
  readonly connection: RestConnection
  /** Resolves when the responses to earlier requests have been sent, or the client has disconnected. */
  readonly turn: Promise<void>
}

/** The open connections of the REST API: limits their number, and the requests that each may send ahead. */
export class RestConnections {
  readonly #options: ConnectionsOptions
  readonly #open = new OpenConnections<RestConnection>()
  readonly #bySocket = new WeakMap<Socket, RestConnection>()
  readonly #handshakes = new TlsHandshakes()

  constructor(options: ConnectionsOptions) {
    this.#options = options
  }

  /** Takes the connections of a listener. */
  watch(server: RestHttpServer, listener: Omit<ListenerState, 'isOpen'>): void {
    const state: ListenerState = { ...listener, isOpen: () => server.listening }
    const isSecure = listener.protocol === 'https'
    server.prependListener('connection', (socket: Socket) => {
      const refusal = this.#refusalOf(socket)
      if (refusal !== null) return this.#refuse(socket, refusal, isSecure)
      const connection = this.#add(socket, state)
      if (isSecure) this.#handshakes.begin(connection)
    })
    if (!isSecure) return
    server.prependListener('secureConnection', (socket: TLSSocket) => this.#secured(socket))
    server.on('tlsClientError', (error: Error, socket: TLSSocket) => {
      const refusal = handshakeRefusal(error, socket)
      if (refusal !== null) this.#noteTls(refusal, addressOf(socket))
    })
  }

  /** Closes connections whose TLS is not established: they would delay the end of the servers. */
  abandonHandshakes(): void {
    this.#handshakes.abandon()
  }

  /** Accepts a request that has begun. Null: its connection has sent too many ahead and is closed. */
  enter(message: IncomingMessage, response: ServerResponse): EnteredRequest | null {
    const connection = this.#bySocket.get(message.socket)
    if (connection === undefined || !this.#open.has(connection)) return null
    const entered = connection.enter(message, response)
    if (entered !== null) return { connection, turn: entered.turn }
    if (connection.isFirstExcess) this.#note('pipelining', connection.address)
    return null
  }

  /** Why a connection is rejected; null: it is accepted, and the connection that was idle for longest may be closed for it. */
  #refusalOf(socket: Socket): string | null {
    const { maxConnections, maxConnectionsPerIp } = this.#options.limits
    const address = addressOf(socket)
    if (this.#open.countOf(address) >= maxConnectionsPerIp)
      return `its address has ${maxConnectionsPerIp} connections (rest.max.connections.per.ip)`
    if (this.#open.count < maxConnections) return null
    const idle = this.#open.longestIdle()
    if (idle === null)
      return `${this.#open.count} connections are open (rest.max.connections), all with requests in progress`
    this.#note('connections', idle.address)
    this.#remove(idle)
    idle.socket.destroy()
    return null
  }

  #refuse(socket: Socket, why: string, isSecure: boolean): void {
    this.#note('connections', addressOf(socket), why)
    // Without TLS the client could not read a response. The server takes the socket before it is closed.
    if (isSecure) return void setImmediate(() => socket.destroy())
    const head = 'HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n'
    socket.on('error', () => undefined) // The connection is closed in any case.
    socket.end(head, () => socket.destroy())
  }

  #secured(socket: TLSSocket): void {
    const connection = this.#handshakes.end(socket)
    const refusal = requestedRefusal(socket)
    if (refusal !== null) this.#noteTls(refusal, addressOf(socket))
    if (connection === null || refusal !== null) return void socket.destroy()
    connection.secured(socket)
    this.#bySocket.set(socket, connection)
  }

  #add(socket: Socket, listener: ListenerState): RestConnection {
    const connection = new RestConnection(socket, listener, this.#options)
    this.#bySocket.set(socket, connection)
    this.#open.add(connection)
    this.#options.meters.connections(this.#open.count)
    socket.once('close', () => this.#remove(connection))
    return connection
  }

  #remove(connection: RestConnection): void {
    if (this.#open.remove(connection)) this.#options.meters.connections(this.#open.count)
  }

  #noteTls({ code, reason }: TlsRefusal, client: string): void {
    const cause = { kind: `TLS refused: ${code}`, client }
    this.#options.streaks.log('warn', cause, `the REST API refused a connection: ${reason}`, { client })
  }

  #note(refusal: Refusal, client: string, why?: string): void {
    const { streaks, meters, limits } = this.#options
    meters.refused(refusal)
    const reason = why ?? reasons(limits)[refusal]
    const cause = { kind: `connection closed: ${refusal}`, client }
    streaks.log('warn', cause, `closed a connection to the REST API: ${reason}`, { client })
  }
}

function reasons({ maxConnections, maxPipelined }: RestLimits): Readonly<Partial<Record<Refusal, string>>> {
  return {
    connections: `${maxConnections} connections were open (rest.max.connections), and this one was idle for the longest time`,
    pipelining: `it sent more than ${maxPipelined} requests ahead of their responses (rest.max.pipelined.requests)`,
  }
}

function addressOf({ remoteAddress = 'unknown' }: Socket): string {
  return remoteAddress
}
