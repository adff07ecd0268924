/** Appends that wait for a descriptor, each behind those before it: their order is that of the producers' sequences. */
export class AppendTurns {
  #last: Promise<void> | null = null

  /** The caller's turn; null when it is now. Once it came, `taken` has to be called before anything else is awaited. */
  next(room: () => Promise<void> | null): Promise<void> | null {
    const turn = this.#last === null ? room() : this.#last.then(room)
    if (turn === null) return null
    const own = Promise.resolve(turn).then(() => undefined)
    this.#last = own
    return own
  }

  taken(turn: Promise<void>): void {
    if (this.#last === turn) this.#last = null
  }
}
