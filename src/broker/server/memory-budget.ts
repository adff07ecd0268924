/**
 * Memory for requests or for responses, which all connections share (I10). The limit is where connections stop to begin new work,
 * not a maximum: work that has begun takes the memory that it needs, so that it can end and release it. A connection that may not
 * begin more work waits in a queue.
 */
export class MemoryBudget {
  readonly limit: number
  /** Called when {@link used} reaches the limit. */
  onExhausted: () => void = () => undefined
  readonly #waiting = new Set<() => void>()
  #used = 0

  /** @param limit in bytes. */
  constructor(limit: number) {
    this.limit = limit
  }

  /** Bytes that are taken; may be above the limit. */
  get used(): number {
    return this.#used
  }

  get isExhausted(): boolean {
    return this.#used >= this.limit
  }

  /** Whether a connection waits. */
  get isContended(): boolean {
    return this.#waiting.size > 0
  }

  /** Takes `bytes`; releases them if negative, which resumes waiting connections. */
  take(bytes: number): void {
    const wasExhausted = this.isExhausted
    this.#used += bytes
    if (!wasExhausted && this.isExhausted) this.onExhausted()
    if (bytes < 0) this.#wake()
  }

  /** Adds a connection to the queue. Calls `resume` once, when memory was released and it is the connection's turn. */
  wait(resume: () => void): void {
    this.#waiting.add(resume)
  }

  /** Removes a connection from the queue. */
  leave(resume: () => void): void {
    this.#waiting.delete(resume)
  }

  /** Resumes every waiting connection, also while the budget is exhausted: a limit of another kind has changed. */
  recheck(): void {
    const waiting = [...this.#waiting]
    for (const resume of waiting) if (this.#waiting.delete(resume)) resume()
  }

  /**
   * Resumes connections in the order of the queue until the budget is exhausted. A connection that still cannot continue waits
   * again, after the others.
   */
  #wake(): void {
    const waiting = [...this.#waiting]
    for (const resume of waiting) {
      if (this.isExhausted) return
      if (this.#waiting.delete(resume)) resume()
    }
  }
}
