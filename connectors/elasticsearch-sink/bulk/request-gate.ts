import { abortable, deferred, type Deferred } from 'penstock/api'
import type { BulkPace } from './bulk-pace.ts'

/** Lets as many requests pass as the pace allows, the first that waits first. */
export class RequestGate {
  readonly #pace: Pick<BulkPace, 'inFlight'>
  readonly #waiting: Deferred<void>[] = []
  #inside = 0

  constructor(pace: Pick<BulkPace, 'inFlight'>) {
    this.#pace = pace
  }

  /** Resolves when a request may be sent. Call {@link leave} after it. @throws the signal's reason. */
  async enter(signal: AbortSignal): Promise<void> {
    while (this.#inside >= this.#pace.inFlight) {
      const turn = deferred<void>()
      this.#waiting.push(turn)
      try {
        await abortable(turn.promise, signal)
      } catch (error) {
        const at = this.#waiting.indexOf(turn)
        if (at >= 0) this.#waiting.splice(at, 1)
        else this.#wake()
        throw error
      }
    }
    this.#inside += 1
  }

  leave(): void {
    this.#inside -= 1
    this.#wake()
  }

  #wake(): void {
    for (let free = this.#pace.inFlight - this.#inside; free > 0; free--) this.#waiting.shift()?.resolve()
  }
}
