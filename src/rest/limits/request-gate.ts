import type { ServerResponse } from 'node:http'
import type { Clock } from '../../foundation/clock.ts'
import type { RestLimits } from '../../config/worker/rest/rest-limits.ts'

import { Turns } from '../../foundation/async/turns.ts'
import { OverloadedError } from '../rest-error.ts'
import { ByteBudget } from './byte-budget.ts'

/** How long the main thread works for REST at a time: heartbeats and the config topic get their turn in between. */
const sliceMs = 10
/** For each request that may be in progress, this many may wait, and for this long. */
const waitingPerRunning = 8
const maxWaitMs = 30_000
const mib = 1024 * 1024

/** Decides when a request is processed, so that many requests neither stop the worker nor delay requests for its state. */
export class RequestGate {
  /** Bodies above the size that every request may have. */
  readonly bodies = new ByteBudget(64 * mib)
  /** Responses that their clients have not read. */
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
   * Resolves when a request may be processed; the returned function is called at its end.
   * @param isQuick the request only reads memory: it is not counted, and does not wait behind those that are
   * @throws OverloadedError when too many requests are waiting, or clients do not read their responses
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
    if (this.#unsent.isExhausted) throw new OverloadedError('memory', 'clients do not read their responses')
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

  /** Waits for the place of a request that has ended. */
  async #place(): Promise<void> {
    const maxWaiting = this.#maxConcurrent * waitingPerRunning
    if (this.#waiting.size >= maxWaiting)
      throw new OverloadedError('busy', `${this.#running} requests are in progress and ${maxWaiting} wait`)
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#waiting.add(resolve)
    const cancel = this.#clock.after(maxWaitMs, () => {
      this.#waiting.delete(resolve)
      reject(new OverloadedError('busy', `the request waited ${maxWaitMs} ms for its turn`))
    })
    try {
      await promise
    } finally {
      cancel()
    }
  }
}
