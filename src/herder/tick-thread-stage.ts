import type { Clock } from '../foundation/clock.ts'

/** What the herder's loop does, or did last. The error of a request that timed out shows it. */
export class TickThreadStage {
  readonly #clock: Clock
  #description = 'starting'
  #started: number
  #completed: number | null = null

  constructor(clock: Clock) {
    this.#clock = clock
    this.#started = clock.now()
  }

  async during<T>(description: string, action: () => Promise<T>): Promise<T> {
    this.#description = description
    this.#started = this.#clock.now()
    this.#completed = null
    try {
      return await action()
    } finally {
      if (this.#description === description) this.#completed = this.#clock.now()
    }
  }

  toString(): string {
    const started = new Date(this.#started).toISOString()
    if (this.#completed === null) return `The worker is currently ${this.#description}, which began at ${started}.`
    const completed = new Date(this.#completed).toISOString()
    return `The last stage of the worker was ${this.#description}, which began at ${started} and completed at ${completed}.`
  }
}
