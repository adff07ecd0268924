import { deferred, type Deferred } from 'penstock/api'

/** Counts the bytes a task holds for records that are not in the store yet (I10). */
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

  /** Takes bytes, or gives them back when negative. Never refuses: who takes looks at {@link isFull} before. */
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
