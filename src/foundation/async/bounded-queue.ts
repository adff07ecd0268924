import { deferred, type Deferred } from './deferred.ts'

/** A first-in first-out queue with a limit on weight: a full one makes the writer wait (I10). One reader, one writer. */
export class BoundedQueue<T> {
  #items: { readonly item: T; readonly weight: number }[] = []
  #head = 0
  #weight = 0
  #closed = false
  #room: Deferred<void> | null = null
  #arrival: Deferred<void> | null = null
  readonly #limit: number

  /** @param limit the summed weight above which `put` waits; an item heavier than it passes when the queue is empty. */
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

  /** Adds at once, whatever the weight; true while there is room for more. Use with {@link room}. */
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

  /** Adds once there is room. */
  async put(item: T, weight: number): Promise<void> {
    await this.room()
    this.push(item, weight)
  }

  /** The next item; undefined when there is none now. */
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

  /** Ends the queue: waiters go on, what lies in it can still be taken. */
  close(): void {
    this.#closed = true
    this.#room?.resolve()
    this.#arrival?.resolve()
    this.#room = null
    this.#arrival = null
  }
}
