import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { RestLimits } from '../../config/worker/rest-limits.ts'
import type { Clock } from '../../foundation/clock.ts'
import type { OpenConnection } from '../../foundation/network/open-connections.ts'
import type { CalledListener } from '../request/origin-check.ts'

/** So many requests beyond the limit are passed over; a client that sends more is not waited for. */
const maxExcess = 1000

/** What all connections share. */
export interface ConnectionSurroundings {
  readonly limits: RestLimits
  readonly clock: Clock
}

/** The listener that accepted a connection. */
export interface ListenerState extends CalledListener {
  /** Whether it still accepts connections. */
  isOpen(): boolean
}

/** A connection of the REST API: one request is worked on at a time, and one response waits for the client. */
export class RestConnection implements OpenConnection {
  readonly socket: Socket
  readonly listener: ListenerState
  readonly address: string
  /** Monotonic time of the last change: accepted, a request begun or complete, a response taken. */
  #activeMs: number
  readonly #options: ConnectionSurroundings
  readonly #unanswered = new Map<ServerResponse, () => void>()
  #excess = 0
  #last: Promise<void> = Promise.resolve()
  #workedFor = 0

  constructor(socket: Socket, listener: ListenerState, options: ConnectionSurroundings) {
    this.socket = socket
    this.listener = listener
    this.address = socket.remoteAddress ?? 'unknown'
    this.#options = options
    this.#activeMs = options.clock.monotonic()
    // Responses that wait for others get no event of their own.
    socket.once('close', () => {
      for (const end of this.#unanswered.values()) end()
    })
  }

  /** As in {@link OpenConnection}: null while the worker owes it the response to a complete request. */
  get idleSinceMs(): number | null {
    return this.#workedFor > 0 ? null : this.#activeMs
  }

  get isFirstExcess(): boolean {
    return this.#excess === 1
  }

  /**
   * Null: the request is not to be looked at; one too many gets a 503, those behind it nothing. Else it resolves when the
   * responses before this one have left, or the client has.
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

  /** The worker has the whole request; what is returned is called with the response. */
  working(): () => void {
    this.#workedFor += 1
    this.#touch()
    this.socket.setTimeout(0)
    return () => {
      this.#workedFor -= 1
      this.#touch()
      // Node sets its own when the client has taken the response.
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
