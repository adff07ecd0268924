import { deferred, type Deferred } from 'penstock/api'

/** Counts the bytes that a task holds for records that are not in the store yet (I10). */
export class MemoryBudget {
  readonly limit: number
  #used = 0
  #room: Deferred<void> | null = null

  constructor(limit: number) {
    this.limit = limit
  }

  get used(): number {
    return this.#used
  }

  get isFull(): boolean {
    return this.#used >= this.limit
  }

  /** Adds bytes, or releases them when negative. It never rejects: callers check {@link isFull} first. */
  add(bytes: number): void {
    this.#used += bytes
    if (this.isFull) return
    this.#room?.resolve()
    this.#room = null
  }

  /** Resolves when there is room. */
  async room(): Promise<void> {
    if (!this.isFull) return
    this.#room ??= deferred<void>()
    await this.#room.promise
  }
}
