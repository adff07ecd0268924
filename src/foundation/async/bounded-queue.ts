import { deferred, type Deferred } from './deferred.ts'

/** A FIFO queue with a limit on the weight of its items: when it is full, the writer waits (I10). One reader, one writer. */
export class BoundedQueue<T> {
  #items: { readonly item: T; readonly weight: number }[] = []
  #head = 0
  #weight = 0
  #closed = false
  #room: Deferred<void> | null = null
  #arrival: Deferred<void> | null = null
  readonly #limit: number

  /** @param limit the total weight from which `put` waits. A heavier item is accepted when the queue is below the limit. */
  constructor(limit: number) {
    this.#limit = limit
  }

  get size(): number {
    return this.#items.length - this.#head
  }

  get weight(): number {
    return this.#weight
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Adds an item immediately, whatever its weight. Returns whether there is room for more; if not, wait for {@link room}. */
  push(item: T, weight: number): boolean {
    if (this.#closed) return false
    this.#items.push({ item, weight })
    this.#weight += weight
    this.#arrival?.resolve()
    this.#arrival = null
    return this.#weight < this.#limit
  }

  /** Resolves when the weight is below the limit, or the queue is closed. */
  async room(): Promise<void> {
    while (!this.#closed && this.#weight >= this.#limit) {
      this.#room ??= deferred<void>()
      await this.#room.promise
    }
  }

  /** Adds an item when there is room. */
  async put(item: T, weight: number): Promise<void> {
    await this.room()
    this.push(item, weight)
  }

  /** Removes and returns the next item; undefined if the queue is empty. */
  take(): T | undefined {
    const entry = this.#items[this.#head]
    if (entry === undefined) return undefined
    this.#head += 1
    if (this.#head > 1024 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
    this.#weight -= entry.weight
    if (this.#weight < this.#limit) {
      this.#room?.resolve()
      this.#room = null
    }
    return entry.item
  }

  /** Resolves when there is an item, or the queue is closed. */
  async arrival(): Promise<void> {
    while (!this.#closed && this.size === 0) {
      this.#arrival ??= deferred<void>()
      await this.#arrival.promise
    }
  }

  /** Closes the queue: waits end, and the remaining items can still be taken. */
  close(): void {
    this.#closed = true
    this.#room?.resolve()
    this.#arrival?.resolve()
    this.#room = null
    this.#arrival = null
  }
}
