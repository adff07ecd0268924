import type { ServerResponse } from 'node:http'
import type { Clock } from '../../foundation/clock.ts'
import type { RestLimits } from '../../config/worker/rest-limits.ts'

import { Turns } from '../../foundation/async/turns.ts'
import { OverloadedError } from '../rest-error.ts'
import { ByteBudget } from './byte-budget.ts'

/** What the main thread works for REST at a stretch: heartbeats and the config topic come in between. */
const sliceMs = 10
/** For each request that may be under way so many may wait, and no longer than that. */
const waitingPerRunning = 8
const maxWaitMs = 30_000
const mib = 1024 * 1024

/** Decides when a request is worked on, so that many of them neither stop the worker nor hold up a look at its state. */
export class RequestGate {
  /** Bodies above a size that every connection may have. */
  readonly bodies = new ByteBudget(64 * mib)
  /** Responses that their clients have not taken. */
  readonly #unsent = new ByteBudget(32 * mib)
  readonly #turns: Turns
  readonly #clock: Clock
  readonly #maxConcurrent: number
  readonly #waiting = new Set<() => void>()
  #running = 0

  constructor(clock: Clock, { maxConcurrent }: RestLimits) {
    this.#clock = clock
    this.#turns = new Turns(clock, sliceMs)
    this.#maxConcurrent = maxConcurrent
  }

  /**
   * Resolves when a request may be worked on, with what is to be called at its end.
   * @param isQuick it only looks into memory: it is neither counted nor kept behind those that are
   * @throws OverloadedError when too many are before it, or the clients do not take their responses
   */
  async enter(isQuick: boolean): Promise<() => void> {
    const leave = isQuick ? () => undefined : await this.#admitted()
    await new Promise<void>((resolve) => this.#turns.take(resolve, isQuick))
    return leave
  }

  /** Counts the bytes of a response until its client has received them, or is gone. */
  countUnsent(bytes: number, response: ServerResponse): void {
    this.#unsent.take(bytes)
    const { promise, resolve } = Promise.withResolvers<void>()
    void promise.then(() => this.#unsent.take(-bytes))
    response.once('close', resolve)
    if (response.destroyed) resolve()
  }

  async #admitted(): Promise<() => void> {
    if (this.#unsent.isExhausted) throw new OverloadedError('memory', 'clients do not take their responses')
    if (this.#running >= this.#maxConcurrent) await this.#place()
    else this.#running += 1
    let hasLeft = false
    return () => {
      if (hasLeft) return
      hasLeft = true
      const [next] = this.#waiting
      if (next === undefined) this.#running -= 1
      else {
        this.#waiting.delete(next)
        next()
      }
    }
  }

  /** Waits for the place of a request that ends. */
  async #place(): Promise<void> {
    const maxWaiting = this.#maxConcurrent * waitingPerRunning
    if (this.#waiting.size >= maxWaiting)
      throw new OverloadedError('busy', `${this.#running} requests are under way and ${maxWaiting} wait`)
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#waiting.add(resolve)
    const cancel = this.#clock.after(maxWaitMs, () => {
      this.#waiting.delete(resolve)
      reject(new OverloadedError('busy', `its turn did not come in ${maxWaitMs} ms`))
    })
    try {
      await promise
    } finally {
      cancel()
    }
  }
}
