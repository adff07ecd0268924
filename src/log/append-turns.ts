/** Keeps appends in order while one of them waits for a file descriptor: producers' sequence numbers depend on the order. */
export class AppendTurns {
  #last: Promise<void> | null = null

  /** Returns the turn of the caller; null when it is now. After its turn, it must call `taken` before it awaits anything else. */
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
