/** The limits of the settings. */
export interface PaceLimits {
  readonly maxInFlight: number
  readonly batchSize: number
  readonly bulkSizeBytes: number
}

/** When a request was sent: limits are lowered once for all requests that were sent under the same limits. */
export type Epoch = number

// A request that is overloaded with one operation cannot be smaller.
const smallestShare = 1 / 1024
// After this many requests of the lowest size, requests have the size of the settings again.
const growth = 1 / 16

/**
 * Adapts the number of requests in flight and their size to what the cluster takes, as TCP does: halved when a request is rejected with
 * 429 or takes too long, first the number, then the size; raised by steps with each request that is applied, first the size. A request
 * that is too large (413) sets a limit that stays: it is that of a setting or a proxy. Has no clock.
 */
export class BulkPace {
  readonly #limits: PaceLimits
  #inFlight: number
  #share = 1
  #maxBytes: number
  #epoch: Epoch = 0

  constructor(limits: PaceLimits) {
    this.#limits = limits
    this.#inFlight = limits.maxInFlight
    this.#maxBytes = limits.bulkSizeBytes
  }

  /** How many requests may be in flight. */
  get inFlight(): number {
    return Math.floor(this.#inFlight)
  }

  /** How many operations a request may have. */
  get operations(): number {
    return Math.max(1, Math.floor(this.#limits.batchSize * this.#share))
  }

  /** How large a request may be. */
  get bytes(): number {
    return Math.max(1, Math.floor(Math.min(this.#maxBytes, this.#limits.bulkSizeBytes * this.#share)))
  }

  /** A request is sent. Pass the result to {@link overloaded}. */
  begin(): Epoch {
    return this.#epoch
  }

  /** A request was applied. */
  applied(): void {
    if (this.#share < 1) this.#share = Math.min(1, this.#share + growth)
    else if (this.#inFlight < this.#limits.maxInFlight)
      this.#inFlight = Math.min(this.#limits.maxInFlight, this.#inFlight + 1 / Math.floor(this.#inFlight))
  }

  /** A request was rejected because of the load, or timed out. */
  overloaded(sent: Epoch): void {
    if (sent !== this.#epoch) return
    this.#epoch += 1
    if (this.inFlight > 1) this.#inFlight = Math.floor(this.inFlight / 2)
    else this.#share = Math.max(smallestShare, this.#share / 2)
  }

  /** A request of this size was rejected because of it. */
  tooLarge(bytes: number): void {
    this.#maxBytes = Math.max(1, Math.min(this.#maxBytes, Math.floor(bytes / 2)))
  }
}
