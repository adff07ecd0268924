import type { MemoryBudget } from './memory-budget.ts'

/** What one connection holds of a budget: none of it is left when the connection has ended. */
export class HeldMemory {
  readonly #budget: MemoryBudget
  readonly #resume: () => void
  #bytes = 0
  #isClosed = false

  /** @param resume called when it is the connection's turn, after {@link wait}. */
  constructor(budget: MemoryBudget, resume: () => void) {
    this.#budget = budget
    this.#resume = resume
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Takes bytes, or gives them back where they are negative. */
  take(bytes: number): void {
    if (this.#isClosed || bytes === 0) return
    this.#bytes += bytes
    this.#budget.take(bytes)
  }

  wait(): void {
    if (!this.#isClosed) this.#budget.wait(this.#resume)
  }

  /** Gives back all of it; later calls do nothing. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#budget.leave(this.#resume)
    this.#budget.take(-this.#bytes)
    this.#bytes = 0
  }
}
