/**
 * Bytes that all connections together may hold of one kind. Whoever has begun takes what it needs, so that it ends and gives
 * back; whoever has not asks before ({@link isExhausted}), and waits in line.
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

  /** Whether somebody waits for what others hold. */
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

  /** Lets everybody who waits look again. */
  recheck(): void {
    const waiting = [...this.#waiting]
    for (const resume of waiting) if (this.#waiting.delete(resume)) resume()
  }

  /** In line; who still cannot go on waits again, behind the others. */
  #wake(): void {
    const waiting = [...this.#waiting]
    for (const resume of waiting) {
      if (this.isExhausted) return
      if (this.#waiting.delete(resume)) resume()
    }
  }
}
