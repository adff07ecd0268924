import { errorMessage } from '../../foundation/error-message.ts'
import type { Clock } from '../../foundation/clock.ts'
import type { Logger } from '../../foundation/logging/logger.ts'

/** What the steps without a limit of their own may take together, and one of them alone. */
const togetherMs = 1500
const aloneMs = 500

interface Step {
  readonly what: string
  readonly action: () => Promise<void>
  /** Infinite: the step is waited for as long as it takes. Null: see {@link togetherMs}. */
  readonly limitMs: number | null
}

/**
 * What has to be undone when a process ends, or does not get up: the last first, every step, also when one fails or does not end.
 * The whole takes at most the limits that are given, and {@link togetherMs}: what is away (a broker, a disk) holds nobody up.
 */
export class Undo {
  readonly #logger: Logger
  readonly #clock: Clock
  readonly #steps: Step[] = []

  constructor(logger: Logger, clock: Clock) {
    this.#logger = logger
    this.#clock = clock
  }

  add(what: string, action: () => Promise<void>, limitMs: number | null = null): void {
    this.#steps.push({ what, action, limitMs })
  }

  async run(): Promise<void> {
    let leftMs = togetherMs
    for (const { what, action, limitMs } of this.#steps.splice(0).toReversed()) {
      const startedMs = this.#clock.monotonic()
      await this.#attempt(what, action, limitMs ?? Math.max(0, Math.min(leftMs, aloneMs)))
      if (limitMs === null) leftMs -= this.#clock.monotonic() - startedMs
    }
  }

  async #attempt(what: string, action: () => Promise<void>, limitMs: number): Promise<void> {
    const late = Promise.withResolvers<'late'>()
    const cancel =
      limitMs === Number.POSITIVE_INFINITY ? () => undefined : this.#clock.after(limitMs, () => late.resolve('late'))
    const ended = this.#reported(what, action)
    try {
      if ((await Promise.race([ended, late.promise])) === 'late')
        this.#logger.warn(
          `${what} did not stop within ${Math.round(limitMs)} ms, and the worker stops without waiting longer`,
        )
    } finally {
      cancel()
    }
  }

  async #reported(what: string, action: () => Promise<void>): Promise<void> {
    try {
      await action()
    } catch (error) {
      this.#logger.error(`${what} did not stop in order: ${errorMessage(error)}`, { error })
    }
  }
}
