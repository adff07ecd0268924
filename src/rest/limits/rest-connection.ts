import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { RestProtocol } from '../../config/worker/rest/listener.ts'
import type { RestLimits } from '../../config/worker/rest/rest-limits.ts'
import type { Clock } from '../../foundation/clock.ts'
import type { OpenConnection } from '../../foundation/network/open-connections.ts'
import type { CalledListener } from '../request/origin-check.ts'
import type { ServedPaths } from '../request/served-paths.ts'

/** This many requests beyond the limit are ignored; the connection of a client that sends more is destroyed. */
const maxExcess = 1000

/** What all connections share. */
export interface ConnectionSurroundings {
  readonly limits: RestLimits
  readonly clock: Clock
}

/** The listener that accepted a connection. */
export interface ListenerState extends CalledListener {
  readonly serves: ServedPaths
  readonly protocol: RestProtocol
  /** Whether it still accepts connections. */
  isOpen(): boolean
}

/** A connection of the REST API: one request is processed at a time, and one response waits for the client. */
export class RestConnection implements OpenConnection {
  readonly listener: ListenerState
  readonly address: string
  /** Monotonic time of the last event: accepted, request begun or complete, response read. */
  #activeMs: number
  #socket: Socket
  readonly #options: ConnectionSurroundings
  readonly #unanswered = new Map<ServerResponse, () => void>()
  #excess = 0
  #last: Promise<void> = Promise.resolve()
  #workedFor = 0

  constructor(socket: Socket, listener: ListenerState, options: ConnectionSurroundings) {
    this.#socket = socket
    this.listener = listener
    this.address = socket.remoteAddress ?? 'unknown'
    this.#options = options
    this.#activeMs = options.clock.monotonic()
    // Responses that wait behind others get no event of their own.
    socket.once('close', () => {
      for (const end of this.#unanswered.values()) end()
    })
  }

  /** The socket of its requests. */
  get socket(): Socket {
    return this.#socket
  }

  /** Its TLS is established: `socket` reads and writes through the one that was accepted, and closes with it. */
  secured(socket: TLSSocket): void {
    this.#socket = socket
    this.#touch()
  }

  /** As in {@link OpenConnection}: null while the worker owes it the response to a complete request. */
  get idleSinceMs(): number | null {
    return this.#workedFor > 0 ? null : this.#activeMs
  }

  get isFirstExcess(): boolean {
    return this.#excess === 1
  }

  /**
   * Null: the request is beyond the limit and is ignored; the first such request gets a 503. Otherwise `turn` resolves when the
   * responses to earlier requests have been sent, or the client has disconnected.
   */
  enter(message: IncomingMessage, response: ServerResponse): { readonly turn: Promise<void> } | null {
    this.#touch()
    if (this.#excess > 0 || this.#unanswered.size >= this.#options.limits.maxPipelined) {
      this.#refuse(message, response)
      return null
    }
    const turn = this.#last
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#last = promise
    const end = (): void => {
      this.#unanswered.delete(response)
      this.#touch()
      resolve()
    }
    this.#unanswered.set(response, end)
    response.once('close', end)
    return { turn }
  }

  /** The worker has the whole request; the returned function is called when the response is ready. */
  working(): () => void {
    this.#workedFor += 1
    this.#touch()
    this.socket.setTimeout(0)
    return () => {
      this.#workedFor -= 1
      this.#touch()
      // Node sets the timeout for idle connections once the client has read the response.
      this.socket.setTimeout(this.#options.limits.maxReceiveMs)
    }
  }

  #refuse(message: IncomingMessage, response: ServerResponse): void {
    this.#excess += 1
    message.resume()
    if (this.#excess > maxExcess) this.socket.destroy()
    if (this.#excess > 1) return
    const text = `More than ${this.#options.limits.maxPipelined} requests were sent ahead of their responses`
    const body = JSON.stringify({ error_code: 503, message: text })
    const headers = { 'Content-Type': 'application/json', 'Content-Length': body.length }
    response.writeHead(503, { ...headers, 'Retry-After': '1', Connection: 'close' }).end(body)
  }

  #touch(): void {
    this.#activeMs = this.#options.clock.monotonic()
  }
}
