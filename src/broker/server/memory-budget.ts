/**
 * Memory of one kind that all connections share (I10). A connection that has started takes what it needs, so that it can finish
 * and release it. A connection that has not started checks {@link isExhausted} first, and waits in a queue.
 */
export class MemoryBudget {
  readonly limit: number
  /** Called when nothing is left. */
  onExhausted: () => void = () => undefined
  readonly #waiting = new Set<() => void>()
  #used = 0

  /** @param limit in bytes. */
  constructor(limit: number) {
    this.limit = limit
  }

  get used(): number {
    return this.#used
  }

  get isExhausted(): boolean {
    return this.#used >= this.limit
  }

  /** Whether a connection waits for memory that others hold. */
  get isContended(): boolean {
    return this.#waiting.size > 0
  }

  /** Takes `bytes`, or gives them back where they are negative. */
  take(bytes: number): void {
    const wasExhausted = this.isExhausted
    this.#used += bytes
    if (!wasExhausted && this.isExhausted) this.onExhausted()
    if (bytes < 0) this.#wake()
  }

  /** Calls `resume` once, when something is given back and it is its turn. */
  wait(resume: () => void): void {
    this.#waiting.add(resume)
  }

  /** Ends a wait. */
  leave(resume: () => void): void {
    this.#waiting.delete(resume)
  }

  /** Lets every waiting connection check again. */
  recheck(): void {
    const waiting = [...this.#waiting]
    for (const resume of waiting) if (this.#waiting.delete(resume)) resume()
  }

  /** In the order of the queue. A connection that still cannot continue waits again, after the others. */
  #wake(): void {
    const waiting = [...this.#waiting]
    for (const resume of waiting) {
      if (this.isExhausted) return
      if (this.#waiting.delete(resume)) resume()
    }
  }
}
