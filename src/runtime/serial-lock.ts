/** Runs actions one at a time, in the order of the calls. */
export class SerialLock {
  #last: Promise<unknown> = Promise.resolve()

  /** Runs `action` after the earlier ones, and returns its outcome. */
  async run<T>(action: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(action)
    this.#last = turn.catch(() => undefined)
    return await turn
  }
}
