import type { Clock } from '../foundation/clock.ts'

/** What the herder is doing, or did last: the message of a request that timed out tells it. */
export class StageLog {
  readonly #clock: Clock
  #what = 'starting'
  #began: number
  #ended: number | null = null

  constructor(clock: Clock) {
    this.#clock = clock
    this.#began = clock.now()
  }

  async during<T>(what: string, action: () => Promise<T>): Promise<T> {
    this.#what = what
    this.#began = this.#clock.now()
    this.#ended = null
    try {
      return await action()
    } finally {
      if (this.#what === what) this.#ended = this.#clock.now()
    }
  }

  toString(): string {
    const began = new Date(this.#began).toISOString()
    if (this.#ended === null) return `The worker is currently ${this.#what}, which began at ${began}.`
    return `The last stage of the worker was ${this.#what}, which began at ${began} and completed at ${new Date(this.#ended).toISOString()}.`
  }
}
