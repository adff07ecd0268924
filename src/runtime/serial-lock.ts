/** One at a time, in the order of asking. */
export class SerialLock {
  #last: Promise<unknown> = Promise.resolve()

  /** Runs `action` once all that asked before are through; its outcome is the answer. */
  async run<T>(action: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(action)
    this.#last = turn.catch(() => undefined)
    return await turn
  }
}
