import type { Clock, Logger } from 'penstock/api'

/** A request without a response for so long is shown: its timeout may be much longer. */
const slowMs = 10_000
const warnEveryMs = 30_000

export interface StoreWaitsOptions {
  /** A request that fails so often is shown. */
  readonly quietAttempts: number
  /** The store's address, for the log. */
  readonly origin: string
  readonly clock: Clock
  readonly logger: Logger
  /** Told of a request that does not get through, and with null when all do. */
  readonly show: (reason: string | null) => void
}

/** One request, with all its attempts. */
export interface StoreWait {
  /** An attempt failed, and another one follows. */
  failed(why: string): void
  /** The request got through, or is given up. */
  over(gotThrough: boolean): void
}

/**
 * Requests that fail again and again, or get no response. What several of them wait for is shown for as long as one of them
 * waits: one that gets through hides no other.
 */
export class StoreWaits {
  readonly #options: StoreWaitsOptions
  /** Texts of the requests that are shown, the oldest first. */
  readonly #waiting = new Map<StoreWait, string>()
  #warnedAt = Number.NEGATIVE_INFINITY

  constructor(options: StoreWaitsOptions) {
    this.#options = options
  }

  /** @param call the request in words: `PUT key`. */
  begin(call: string): StoreWait {
    const { quietAttempts, clock, origin } = this.#options
    const what = `${call} to ${origin}`
    const since = new Date(clock.now()).toISOString()
    let attempts = 0
    const cancel = clock.after(slowMs, () => {
      if (!this.#waiting.has(wait)) this.#note(wait, `${what} has had no response since ${since}`)
    })
    const wait: StoreWait = {
      failed: (why) => {
        attempts += 1
        if (attempts < quietAttempts) return
        this.#warn(`${what} failed ${attempts} times and is tried again: ${why}`)
        this.#note(wait, `${what} fails and is tried again since ${since}: ${why}`)
      },
      over: (gotThrough) => {
        cancel()
        if (this.#waiting.delete(wait)) this.#showFirst()
        else if (attempts < Math.max(1, quietAttempts)) return
        if (!gotThrough || this.#waiting.size > 0) return
        this.#warnedAt = Number.NEGATIVE_INFINITY
        this.#options.logger.warn(`${origin} takes requests again`)
      },
    }
    return wait
  }

  #note(wait: StoreWait, text: string): void {
    this.#waiting.set(wait, text)
    this.#showFirst()
  }

  #showFirst(): void {
    const [first = null] = this.#waiting.values()
    this.#options.show(first)
  }

  #warn(text: string): void {
    const now = this.#options.clock.monotonic()
    if (now - this.#warnedAt < warnEveryMs) return
    this.#warnedAt = now
    this.#options.logger.warn(text)
  }
}
