/** What an event happens to. */
export interface EventReceiver {
  readonly name: string
  /** Whether an event may happen now. */
  admits(event: SimulatedEvent): boolean
}

/** Something that will happen. Events of one time happen in the order in which they were scheduled. */
export interface SimulatedEvent {
  atMs: number
  order: number
  readonly actor: EventReceiver
  readonly what: string
  /** Null: it was cancelled. */
  action: (() => void) | null
}

/** Events by time: a binary heap. */
export class EventQueue {
  readonly #heap: SimulatedEvent[] = []

  add(event: SimulatedEvent): void {
    const heap = this.#heap
    heap.push(event)
    let at = heap.length - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!this.#isBefore(at, parent)) return
      this.#swap(at, parent)
      at = parent
    }
  }

  /** Removes and returns the next event; undefined when there is none. */
  take(): SimulatedEvent | undefined {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    if (first === undefined || last === undefined || heap.length === 0) return first
    heap[0] = last
    for (let at = 0; ;) {
      const [left, right] = [2 * at + 1, 2 * at + 2]
      let least = at
      if (left < heap.length && this.#isBefore(left, least)) least = left
      if (right < heap.length && this.#isBefore(right, least)) least = right
      if (least === at) return first
      this.#swap(at, least)
      at = least
    }
  }

  #isBefore(a: number, b: number): boolean {
    const [first, second] = [this.#heap[a], this.#heap[b]]
    if (first === undefined || second === undefined) return false
    return first.atMs < second.atMs || (first.atMs === second.atMs && first.order < second.order)
  }

  #swap(a: number, b: number): void {
    const heap = this.#heap
    const [first, second] = [heap[a], heap[b]]
    if (first === undefined || second === undefined) return
    heap[a] = second
    heap[b] = first
  }
}
