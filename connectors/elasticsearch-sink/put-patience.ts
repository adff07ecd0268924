import { DeadlineExceededError, RetriableError, withDeadline, type Clock } from 'penstock/api'

/**
 * How long the waits of one `put` may take together, in milliseconds. A `put` that waits holds up the rebalances of its group, and
 * loses its partitions after `max.poll.interval.ms`.
 */
const patienceMs = 5000

/** What a `put` waits for, when it lasts. */
export interface LongWait {
  readonly code: string
  readonly message: () => string
}

/** Limits the waits of one `put`. Afterwards the batch is delivered again, and the worker polls meanwhile. */
export class PutPatience {
  readonly #clock: Clock
  readonly #signal: AbortSignal
  #endsAt: number | null = null

  /** @param signal fires when the task is stopped. */
  constructor(clock: Clock, signal: AbortSignal) {
    this.#clock = clock
    this.#signal = signal
  }

  /** @throws RetriableError when it takes too long, what `action` throws, or the reason of the signal */
  async wait(action: (signal: AbortSignal) => Promise<void>, { code, message }: LongWait): Promise<void> {
    const now = this.#clock.monotonic()
    this.#endsAt ??= now + patienceMs
    try {
      await withDeadline({ clock: this.#clock, ms: Math.max(0, this.#endsAt - now), signal: this.#signal }, action)
    } catch (error) {
      if (!(error instanceof DeadlineExceededError)) throw error
      throw new RetriableError(message(), { code, cause: error })
    }
  }
}
