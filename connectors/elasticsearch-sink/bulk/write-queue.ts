import type { BulkBodyArena } from './bulk-body-arena.ts'
import type { Operation } from './operation.ts'

/** The operations of one request in flight, until {@link WriteQueue.settle}. */
export interface InFlightBulk {
  readonly operations: readonly Operation[]
  /** By document: the operations that wait for this request, in their order; null while there are none. */
  waiters: Map<string, Operation[]> | null
}

/**
 * Operations that wait for a bulk request. Writes of one document are sent in their order, and never while an earlier one
 * is in flight (I12). Other documents may pass them.
 */
export class WriteQueue {
  readonly #arena: BulkBodyArena
  readonly #maxOperations: number
  readonly #maxBytes: number
  /** Released by a finished request: older than every operation of the same document in {@link #arrived}. */
  #freed: Operation[] = []
  #arrived: Operation[] = []
  #freedHead = 0
  #arrivedHead = 0
  #readyWeight = 0
  /** By index and id: the request in flight that writes the document. */
  readonly #inFlight = new Map<string, Map<string, InFlightBulk>>()
  #waiting = 0
  #requests = 0

  constructor(arena: BulkBodyArena, limits: { readonly maxOperations: number; readonly maxBytes: number }) {
    this.#arena = arena
    this.#maxOperations = limits.maxOperations
    this.#maxBytes = limits.maxBytes
  }

  /** The approximate number of operations that can be sent now: some may have to wait for their document. */
  get ready(): number {
    return this.#freed.length - this.#freedHead + this.#arrived.length - this.#arrivedHead
  }

  /** The number of operations that wait for an earlier one of their document. */
  get waiting(): number {
    return this.#waiting
  }

  /** Whether a full request can be made. */
  get full(): boolean {
    return this.ready >= this.#maxOperations || this.#readyWeight >= this.#maxBytes
  }

  add(operation: Operation): void {
    this.#arrived.push(operation)
    this.#readyWeight += operation.weight
  }

  /** Takes the operations of the next request; null when none may be sent. */
  take(): InFlightBulk | null {
    const operations: Operation[] = []
    const bulk: InFlightBulk = { operations, waiters: null }
    let bytes = 0
    for (
      let operation = this.#peek();
      operation !== undefined && operations.length < this.#maxOperations;
      operation = this.#peek()
    ) {
      const { id, weight, barrier } = operation
      // No operation passes one that waits at a barrier.
      if (barrier !== 'none' && (this.#requests > 0 || (barrier === 'all' && operations.length > 0))) break
      const documents = this.#documentsOf(operation.index)
      const earlier = id === null ? undefined : documents.get(id)
      if (id !== null && earlier !== undefined && earlier !== bulk) {
        this.#shift(weight)
        this.#wait(operation, id, earlier)
        continue
      }
      if (operations.length > 0 && bytes + weight > this.#maxBytes) break
      this.#shift(weight)
      operations.push(operation)
      bytes += weight
      if (id !== null && earlier === undefined) documents.set(id, bulk)
    }
    if (operations.length === 0) return null
    this.#requests += 1
    return bulk
  }

  /** A request is done: operations that waited for its documents may be sent, before later ones. */
  settle({ operations, waiters }: InFlightBulk): void {
    this.#requests -= 1
    for (const { index, id } of operations) if (id !== null) this.#documentsOf(index).delete(id)
    if (waiters === null) return
    for (const freed of waiters.values()) {
      this.#waiting -= freed.length
      for (const operation of freed) {
        this.#freed.push(operation)
        this.#readyWeight += operation.weight
      }
    }
  }

  #wait(operation: Operation, id: string, earlier: InFlightBulk): void {
    if (operation.lines !== null) operation.lines = this.#arena.detach(operation.lines)
    earlier.waiters ??= new Map()
    const key = `${operation.index}\u0000${id}`
    const waiters = earlier.waiters.get(key)
    if (waiters === undefined) earlier.waiters.set(key, [operation])
    else waiters.push(operation)
    this.#waiting += 1
  }

  #documentsOf(index: string): Map<string, InFlightBulk> {
    let documents = this.#inFlight.get(index)
    if (documents === undefined) {
      documents = new Map()
      this.#inFlight.set(index, documents)
    }
    return documents
  }

  #peek(): Operation | undefined {
    return this.#freed[this.#freedHead] ?? this.#arrived[this.#arrivedHead]
  }

  #shift(weight: number): void {
    this.#readyWeight -= weight
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
