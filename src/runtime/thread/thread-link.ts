import { ConnectError } from '../../api/errors.ts'
import { deferred, type Deferred } from '../../foundation/async/deferred.ts'
import { fromTransferred, toTransferred, type TransferredError } from './transferred-error.ts'

/** The response types of a union of messages. A message type without a response is only sent. */
export type Responses = Readonly<Record<string, unknown>>

interface Message {
  readonly type: string
}

type Envelope =
  | { readonly kind: 'message'; readonly id: number | null; readonly message: Message }
  | { readonly kind: 'response'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'failure'; readonly id: number; readonly error: TransferredError }

/** The end of a message channel: a Worker on one side, its parent port on the other. */
export interface ThreadPort {
  postMessage(value: unknown): void
  on(event: 'message', listener: (value: unknown) => void): unknown
}

/** Changes what leaves a thread: messages without a response, and errors. Responses are results, which it does not change. */
export interface Outlet<Out> {
  message(message: Out): Out
  error(error: TransferredError): TransferredError
}

/**
 * One side of a thread boundary. Two discriminated unions cross it: `Out` from here, `In` from the other side; responses
 * are typed by message type. When a side ends, requests that wait for it fail with the reason.
 */
export class ThreadLink<Out extends Message, OutResponses extends Responses, In extends Message> {
  readonly #port: ThreadPort
  readonly #handle: (message: In) => unknown
  readonly #outlet: Outlet<Out> | null
  readonly #waiting = new Map<number, Deferred<unknown>>()
  #lastId = 0
  #ended: Error | null = null

  /**
   * @param handle handles a message; the response to a request is what it returns, resolves to, or throws
   * @param outlet changes messages and errors before they leave this side
   */
  constructor(port: ThreadPort, handle: (message: In) => unknown, outlet: Outlet<Out> | null = null) {
    this.#outlet = outlet
    this.#port = port
    this.#handle = handle
    port.on('message', (value) => this.#receive(value as Envelope))
  }

  /** Sends a message without a response; dropped when the other side has ended. */
  send(message: Out): void {
    if (this.#ended !== null) return
    this.#post({ kind: 'message', id: null, message: this.#outlet?.message(message) ?? message })
  }

  /** Sends a request and returns its response. @throws what the other side threw, or the reason why it ended */
  async ask<T extends keyof OutResponses & string>(message: Extract<Out, { type: T }>): Promise<OutResponses[T]> {
    if (this.#ended !== null) throw this.#ended
    this.#lastId += 1
    const id = this.#lastId
    const response = deferred<unknown>()
    this.#waiting.set(id, response)
    this.#post({ kind: 'message', id, message })
    return (await response.promise) as OutResponses[T]
  }

  /** The other side has ended: requests that wait for it fail. */
  end(reason: Error): void {
    if (this.#ended !== null) return
    this.#ended = reason
    for (const response of this.#waiting.values()) response.reject(reason)
    this.#waiting.clear()
  }

  #receive(envelope: Envelope): void {
    if (envelope.kind === 'message') {
      void this.#respond(envelope.id, envelope.message as In)
      return
    }
    const response = this.#waiting.get(envelope.id)
    this.#waiting.delete(envelope.id)
    if (envelope.kind === 'response') response?.resolve(envelope.value)
    else response?.reject(fromTransferred(envelope.error))
  }

  async #respond(id: number | null, message: In): Promise<void> {
    try {
      const value = await this.#handle(message)
      if (id !== null) this.#post({ kind: 'response', id, value })
    } catch (error) {
      if (id === null) throw error
      const transferred = toTransferred(error)
      this.#post({ kind: 'failure', id, error: this.#outlet?.error(transferred) ?? transferred })
    }
  }

  #post(envelope: Envelope): void {
    this.#port.postMessage(envelope)
  }
}

/** The thread has ended before it responded. */
export class ThreadEndedError extends ConnectError {}
