import { ConnectError } from '../../api/errors.ts'
import { deferred, type Deferred } from '../../foundation/async/deferred.ts'
import { fromTransferred, toTransferred, type TransferredError } from './transferred-error.ts'

/** What a union of messages answers: a message type that is missing here is not asked but only sent. */
export type Answers = Readonly<Record<string, unknown>>

interface Message {
  readonly type: string
}

type Envelope =
  | { readonly kind: 'message'; readonly id: number | null; readonly message: Message }
  | { readonly kind: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'refusal'; readonly id: number; readonly error: TransferredError }

/** The end of a message channel: a Worker on one side, its parent port on the other. */
export interface ThreadPort {
  postMessage(value: unknown): void
  on(event: 'message', listener: (value: unknown) => void): unknown
}

/**
 * One side of a thread boundary. What may cross are two discriminated unions: `Out` from here, `In` from there; each
 * side's answers are typed by message type. A side that ends tells everybody who still waits for it why.
 */
export class ThreadLink<Out extends Message, OutAnswers extends Answers, In extends Message> {
  readonly #port: ThreadPort
  readonly #handle: (message: In) => unknown
  readonly #waiting = new Map<number, Deferred<unknown>>()
  #lastId = 0
  #ended: Error | null = null

  /** @param handle answers a message; what it returns (or resolves to, or throws) goes back when it was asked. */
  constructor(port: ThreadPort, handle: (message: In) => unknown) {
    this.#port = port
    this.#handle = handle
    port.on('message', (value) => this.#receive(value as Envelope))
  }

  /** Sends without waiting for anything; dropped when the other side has ended. */
  send(message: Out): void {
    if (this.#ended === null) this.#post({ kind: 'message', id: null, message })
  }

  /** Sends and waits for the answer. @throws what the other side threw, or why it ended. */
  async ask<T extends keyof OutAnswers & string>(message: Extract<Out, { type: T }>): Promise<OutAnswers[T]> {
    if (this.#ended !== null) throw this.#ended
    this.#lastId += 1
    const id = this.#lastId
    const answer = deferred<unknown>()
    this.#waiting.set(id, answer)
    this.#post({ kind: 'message', id, message })
    return (await answer.promise) as OutAnswers[T]
  }

  /** The other side is gone: everybody who waits for it is told. */
  end(reason: Error): void {
    if (this.#ended !== null) return
    this.#ended = reason
    for (const answer of this.#waiting.values()) answer.reject(reason)
    this.#waiting.clear()
  }

  #receive(envelope: Envelope): void {
    if (envelope.kind === 'message') {
      void this.#answer(envelope.id, envelope.message as In)
      return
    }
    const answer = this.#waiting.get(envelope.id)
    this.#waiting.delete(envelope.id)
    if (envelope.kind === 'answer') answer?.resolve(envelope.value)
    else answer?.reject(fromTransferred(envelope.error))
  }

  async #answer(id: number | null, message: In): Promise<void> {
    try {
      const value = await this.#handle(message)
      if (id !== null) this.#post({ kind: 'answer', id, value })
    } catch (error) {
      if (id === null) throw error
      this.#post({ kind: 'refusal', id, error: toTransferred(error) })
    }
  }

  #post(envelope: Envelope): void {
    this.#port.postMessage(envelope)
  }
}

/** The thread that should have answered is gone. */
export class ThreadEndedError extends ConnectError {}
