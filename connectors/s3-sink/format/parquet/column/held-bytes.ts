/** Counts the memory of an object's buffers. */
export class HeldBytes {
  #total = 0

  get total(): number {
    return this.#total
  }

  /** Adds bytes, or releases them when negative. */
  add(bytes: number): void {
    this.#total += bytes
  }
}
