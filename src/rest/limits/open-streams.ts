import type { ServerResponse } from 'node:http'
import type { Clock } from '../../foundation/clock.ts'

import { OverloadedError } from '../rest-error.ts'

/** How many clients may follow something at the same time (I10). */
const maxStreams = 16
/** After this time a stream ends: the client connects again, and shows again who it is. Milliseconds. */
const longestMs = 15 * 60_000

/** The responses that last: they end with their client, after a while, or when the server stops. */
export class OpenStreams {
  readonly #clock: Clock
  readonly #open = new Set<AbortController>()
  #isClosed = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Returns the signal that ends the stream of a response. @throws OverloadedError when there are too many */
  open(response: ServerResponse): AbortSignal {
    if (this.#open.size >= maxStreams) throw new OverloadedError('busy', `${maxStreams} clients follow records`)
    const controller = new AbortController()
    const cancel = this.#clock.after(longestMs, () => controller.abort())
    const end = (): void => {
      cancel()
      this.#open.delete(controller)
      controller.abort()
    }
    this.#open.add(controller)
    response.once('close', end)
    if (response.destroyed || this.#isClosed) end()
    return controller.signal
  }

  /** Ends all streams, and those that begin later. */
  close(): void {
    this.#isClosed = true
    for (const controller of this.#open) controller.abort()
  }
}
