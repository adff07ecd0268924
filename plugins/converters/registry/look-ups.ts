import { abortable, NotReadyError, RetriableError, type Clock } from 'penstock/api'

interface LookUpsOptions {
  readonly clock: Clock
  /** How many results are kept. */
  readonly limit: number
  /** How long a result is used. Null: as long as it is kept. */
  readonly expiryMs?: number | null
}

/** A result, or the error with which the look-up failed. */
interface Outcome<T> {
  readonly value: T | null
  readonly error: Error | null
  readonly expiresAtMs: number
  /** Whether a call has used it. If none has, it is used though it has expired, or a call could wait forever. */
  isUsed: boolean
}

/** A look-up in progress. It ends early when all that wait for it give up. */
interface Flight {
  readonly done: Promise<void>
  readonly controller: AbortController
  waiting: number
}

/** How long a failed look-up is not repeated: each record with the same schema would ask again. */
const failureMs = 10_000

/** Looks things up that take time, once for all that need them, and keeps the last ones. */
export class LookUps<T> {
  readonly #options: LookUpsOptions
  readonly #outcomes = new Map<string, Outcome<T>>()
  readonly #flights = new Map<string, Flight>()

  constructor(options: LookUpsOptions) {
    this.#options = options
  }

  /** Returns what is known of a key. @throws NotReadyError to have it looked up; what a recent look-up failed with */
  get(key: string, what: string, lookUp: (signal: AbortSignal) => Promise<T>): T {
    const outcome = this.#outcomes.get(key)
    if (outcome !== undefined) {
      if (!outcome.isUsed || outcome.expiresAtMs > this.#options.clock.monotonic()) {
        outcome.isUsed = true
        if (outcome.error !== null) throw outcome.error
        return outcome.value as T
      }
      this.#outcomes.delete(key)
    }
    throw new NotReadyError(what, async (signal) => await this.#ready(key, lookUp, signal))
  }

  async #ready(key: string, lookUp: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<void> {
    const flight = this.#flights.get(key) ?? this.#start(key, lookUp)
    flight.waiting += 1
    try {
      await abortable(flight.done, signal)
    } finally {
      flight.waiting -= 1
      if (flight.waiting === 0) {
        if (this.#flights.get(key) === flight) this.#flights.delete(key)
        flight.controller.abort(signal.reason)
      }
    }
  }

  #start(key: string, lookUp: (signal: AbortSignal) => Promise<T>): Flight {
    const controller = new AbortController()
    const flight: Flight = { done: this.#lookUp(key, lookUp, controller.signal), controller, waiting: 0 }
    this.#flights.set(key, flight)
    return flight
  }

  async #lookUp(key: string, lookUp: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<void> {
    const { expiryMs = null } = this.#options
    try {
      this.#keep(key, { value: await lookUp(signal), error: null }, expiryMs)
    } catch (error) {
      const isFinal = error instanceof Error && !(error instanceof RetriableError) && !signal.aborted
      if (isFinal) this.#keep(key, { value: null, error }, failureMs)
      throw error
    }
  }

  #keep(key: string, result: Pick<Outcome<T>, 'value' | 'error'>, forMs: number | null): void {
    const { clock, limit } = this.#options
    this.#outcomes.delete(key)
    for (const oldest of this.#outcomes.keys()) {
      if (this.#outcomes.size < limit) break
      this.#outcomes.delete(oldest)
    }
    this.#outcomes.set(key, {
      ...result,
      expiresAtMs: forMs === null ? Infinity : clock.monotonic() + forMs,
      isUsed: false,
    })
  }
}
