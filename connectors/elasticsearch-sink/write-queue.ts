import { weightOf, type Operation } from './operation.ts'

// A document with holes grows by its stored values, whose size is not known beforehand.
const holeWeight = 64 * 1024

/**
 * Operations waiting for a bulk request. Writes of one document leave in order, and never while an earlier one is
 * under way (I12); other documents pass them.
 */
export class WriteQueue {
  readonly #maxOperations: number
  readonly #maxBytes: number
  /** Set free by a finished request: older than everything in {@link #arrived} of the same document. */
  #freed: Operation[] = []
  #arrived: Operation[] = []
  #freedHead = 0
  #arrivedHead = 0
  #readyWeight = 0
  /** By document under way: what waits for it; null while nothing does. */
  readonly #underWay = new Map<string, Operation[] | null>()
  #waiting = 0

  constructor(limits: { readonly maxOperations: number; readonly maxBytes: number }) {
    this.#maxOperations = limits.maxOperations
    this.#maxBytes = limits.maxBytes
  }

  /** Operations that could leave now, about: some may turn out to wait for their document. */
  get ready(): number {
    return this.#freed.length - this.#freedHead + this.#arrived.length - this.#arrivedHead
  }

  /** Operations that wait for an earlier one of their document. */
  get waiting(): number {
    return this.#waiting
  }

  /** Whether a whole request can be made. */
  get full(): boolean {
    return this.ready >= this.#maxOperations || this.#readyWeight >= this.#maxBytes
  }

  add(operation: Operation): void {
    this.#arrived.push(operation)
    this.#readyWeight += weight(operation)
  }

  /** The next request's operations, in order; empty when nothing may leave. Ends with {@link settle}. */
  take(): Operation[] {
    const batch: Operation[] = []
    const mine = new Set<string>()
    let bytes = 0
    for (
      let operation = this.#peek();
      operation !== undefined && batch.length < this.#maxOperations;
      operation = this.#peek()
    ) {
      const own = weight(operation)
      const { key } = operation
      const waiters = key === null || mine.has(key) ? undefined : this.#underWay.get(key)
      if (waiters !== undefined) {
        this.#shift(own)
        if (waiters === null) this.#underWay.set(key ?? '', [operation])
        else waiters.push(operation)
        this.#waiting += 1
        continue
      }
      if (batch.length > 0 && bytes + own > this.#maxBytes) break
      this.#shift(own)
      batch.push(operation)
      bytes += own
      if (key !== null && !mine.has(key)) {
        mine.add(key)
        this.#underWay.set(key, null)
      }
    }
    return batch
  }

  /** A request is over: what waited for its documents may leave, before anything that came later. */
  settle(batch: readonly Operation[]): void {
    for (const operation of batch) {
      const { key } = operation
      if (key === null) continue
      const waiters = this.#underWay.get(key)
      this.#underWay.delete(key)
      if (waiters === undefined || waiters === null) continue
      this.#waiting -= waiters.length
      for (const waiter of waiters) {
        this.#freed.push(waiter)
        this.#readyWeight += weight(waiter)
      }
    }
  }

  #peek(): Operation | undefined {
    return this.#freed[this.#freedHead] ?? this.#arrived[this.#arrivedHead]
  }

  #shift(own: number): void {
    this.#readyWeight -= own
    if (this.#freedHead < this.#freed.length) {
      this.#freedHead += 1
      if (this.#freedHead === this.#freed.length) {
        this.#freed = []
        this.#freedHead = 0
      }
      return
    }
    this.#arrivedHead += 1
    if (this.#arrivedHead === this.#arrived.length || this.#arrivedHead > 4096) {
      this.#arrived = this.#arrived.slice(this.#arrivedHead)
      this.#arrivedHead = 0
    }
  }
}

function weight(operation: Operation): number {
  return weightOf(operation) + (operation.holes === null ? 0 : holeWeight)
}
