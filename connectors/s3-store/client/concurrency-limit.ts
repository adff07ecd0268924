import { abortable, deferred, type Deferred } from 'penstock/api'

/** Runs a limited number of actions at a time. The others wait for their turn, in the order of their calls. */
export class ConcurrencyLimit {
  readonly #limit: number
  readonly #waiting = new Set<Deferred<void>>()
  #running = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Runs the action when it is its turn. @throws what the action throws, or the signal's reason while it waits. */
  async run<T>(signal: AbortSignal, action: () => Promise<T>): Promise<T> {
    await this.#turn(signal)
    try {
      return await action()
    } finally {
      this.#passOn()
    }
  }

  async #turn(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (this.#running < this.#limit) {
      this.#running += 1
      return
    }
    const turn = deferred<void>()
    this.#waiting.add(turn)
    try {
      await abortable(turn.promise, signal)
    } catch (error) {
      // The abort may come when the turn was given already.
      if (!this.#waiting.delete(turn)) this.#passOn()
      throw error
    }
  }

  #passOn(): void {
    const [next] = this.#waiting
    if (next === undefined) {
      this.#running -= 1
      return
    }
    this.#waiting.delete(next)
    next.resolve()
  }
}
