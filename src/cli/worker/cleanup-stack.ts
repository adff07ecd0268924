import { settledWithin } from '../../foundation/async/deadline.ts'
import type { Clock } from '../../foundation/clock.ts'
import type { Logger } from '../../foundation/logging/logger.ts'
import { errorMessage } from '../../foundation/error-message.ts'

/** The time limit of all steps without a limit of their own, and of a single one of them. Milliseconds. */
const totalMs = 1500
const stepMs = 500

/**
 * Cleanup steps, run in reverse order on shutdown or after a failed startup (I9). Every step runs even if another one
 * fails or does not end. The total time is bounded by the limits of the steps plus {@link totalMs}, so that a broker or
 * disk that does not respond does not delay the shutdown.
 */
export class CleanupStack implements AsyncDisposable {
  readonly #logger: Logger
  readonly #clock: Clock
  readonly #stack = new AsyncDisposableStack()
  #leftMs = totalMs

  constructor(logger: Logger, clock: Clock) {
    this.#logger = logger
    this.#clock = clock
  }

  /**
   * @param what names the step in logs
   * @param limitMs infinite: the step may take any time; null: it shares {@link totalMs} with the others
   */
  add(what: string, action: () => Promise<void>, limitMs: number | null = null): void {
    this.#stack.defer(async () => {
      if (limitMs !== null) return await this.#run(what, action, limitMs)
      const startedMs = this.#clock.monotonic()
      await this.#run(what, action, Math.max(0, Math.min(this.#leftMs, stepMs)))
      this.#leftMs -= this.#clock.monotonic() - startedMs
    })
  }

  /** Hands the steps over to the caller. No step can be added afterwards. */
  move(): AsyncDisposable {
    return this.#stack.move()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack[Symbol.asyncDispose]()
  }

  async #run(what: string, action: () => Promise<void>, limitMs: number): Promise<void> {
    const ended = this.#logFailure(what, action)
    if (limitMs === Number.POSITIVE_INFINITY) return await ended
    const isEnded = await settledWithin(
      this.#clock,
      limitMs,
      ended.then(() => true),
    )
    if (isEnded === null) {
      this.#logger.warn(
        `${what} did not stop within ${Math.round(limitMs)} ms; the worker stops without waiting longer`,
      )
    }
  }

  async #logFailure(what: string, action: () => Promise<void>): Promise<void> {
    try {
      await action()
    } catch (error) {
      this.#logger.error(`${what} did not stop gracefully: ${errorMessage(error)}`, { error })
    }
  }
}
