import type { MemoryBudget } from './memory-budget.ts'

/** The memory that one connection holds of a budget. All of it is released when the connection has closed. */
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

  /** Takes bytes; releases them if negative. */
  take(bytes: number): void {
    if (this.#isClosed || bytes === 0) return
    this.#bytes += bytes
    this.#budget.take(bytes)
  }

  wait(): void {
    if (!this.#isClosed) this.#budget.wait(this.#resume)
  }

  /** Releases all memory; later calls do nothing. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#budget.leave(this.#resume)
    this.#budget.take(-this.#bytes)
    this.#bytes = 0
  }
}
