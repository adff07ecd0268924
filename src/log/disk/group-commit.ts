import { deferred, type Deferred } from '../../foundation/async/deferred.ts'

interface Waiter {
  readonly endOffset: number
  readonly durable: Deferred<void>
}

/**
 * Group commit: everything that is appended while a sync is in progress becomes durable with the next one. There is one sync at
 * a time; a failed one fails all who wait and is never tried again for them.
 */
export class GroupCommit {
  readonly #flush: () => Promise<number>
  #waiters: Waiter[] = []
  #running: Promise<void> | null = null

  /** @param flush makes everything durable that was appended before the call; returns the end offset of it. */
  constructor(flush: () => Promise<number>) {
    this.#flush = flush
  }

  /** Resolves when everything below `endOffset` is durable; rejects with the sync's error. */
  reach(endOffset: number): Promise<void> {
    const durable = deferred<void>()
    this.#waiters.push({ endOffset, durable })
    this.#running ??= this.#run()
    return durable.promise
  }

  /** Resolves when no sync is in progress. */
  async idle(): Promise<void> {
    while (this.#running !== null) await this.#running
  }

  async #run(): Promise<void> {
    await Promise.resolve() // Appends of the same turn share the first sync.
    while (this.#waiters.length > 0) {
      try {
        this.#resolveBelow(await this.#flush())
      } catch (error) {
        for (const waiter of this.#waiters.splice(0)) waiter.durable.reject(error)
      }
    }
    this.#running = null
  }

  #resolveBelow(durableEnd: number): void {
    let done = 0
    for (const waiter of this.#waiters) {
      if (waiter.endOffset > durableEnd) break
      waiter.durable.resolve()
      done += 1
    }
    this.#waiters.splice(0, done)
  }
}
