/** The bytes that all requests hold together. */
export class ByteBudget {
  readonly #limit: number
  #used = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  get isExhausted(): boolean {
    return this.#used >= this.#limit
  }

  /** Takes bytes; a negative number returns them. */
  take(bytes: number): void {
    this.#used += bytes
  }
}
