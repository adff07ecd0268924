import type { Clock } from 'penstock/api'

/** A request without a response is shown after this time: its timeout may be much longer. */
const slowMs = 10_000

export interface StoreWaitsOptions {
  /** The number of failed attempts after which a request is shown. */
  readonly quietAttempts: number
  /** The store as messages name it. */
  readonly store: string
  readonly clock: Clock
  /** Receives the text of the oldest request that does not get through, and null when there is none. */
  readonly show: (reason: string | null) => void
}

/** One request, with all its attempts. */
export interface StoreWait {
  /** An attempt failed, and another one follows. */
  failed(why: string): void
  /** The request got through, or was given up. */
  over(): void
}

/**
 * Requests that keep failing, or get no response. One of them is shown for as long as any of them waits: a request that gets
 * through does not hide another one. Nothing is logged here: the condition that shows the text is logged where it is raised.
 */
export class StoreWaits {
  readonly #options: StoreWaitsOptions
  /** Texts of the requests that are shown, the oldest first. */
  readonly #waiting = new Map<StoreWait, string>()

  constructor(options: StoreWaitsOptions) {
    this.#options = options
  }

  /** @param request the request in words: `PUT key`. */
  begin(request: string): StoreWait {
    const { quietAttempts, clock, store } = this.#options
    const what = `${request} to ${store}`
    const since = new Date(clock.now()).toISOString()
    let attempts = 0
    const cancel = clock.after(slowMs, () => {
      if (!this.#waiting.has(wait)) this.#note(wait, `${what} has had no response since ${since}`)
    })
    const wait: StoreWait = {
      failed: (why) => {
        attempts += 1
        if (attempts >= quietAttempts)
          this.#note(wait, `${what} has been failing since ${since} and is retried: ${why}`)
      },
      over: () => {
        cancel()
        if (this.#waiting.delete(wait)) this.#showFirst()
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
}
