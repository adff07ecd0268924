/** One queue per key: actions of a key run one after another, those of different keys side by side. */
export class KeyedQueues {
  readonly #last = new Map<string, Promise<unknown>>()

  /** Runs `action` after the earlier actions of the key, and returns its outcome. */
  async run<T>(key: string, action: () => Promise<T>): Promise<T> {
    const turn = (this.#last.get(key) ?? Promise.resolve()).then(action)
    const settled = turn.then(
      () => undefined,
      () => undefined,
    )
    this.#last.set(key, settled)
    void settled.then(() => {
      if (this.#last.get(key) === settled) this.#last.delete(key)
    })
    return await turn
  }

  /** Resolves when the queues of these keys are empty. */
  async settled(isKey: (key: string) => boolean): Promise<void> {
    for (;;) {
      const pending = [...this.#last].filter(([key]) => isKey(key))
      if (pending.length === 0) return
      await Promise.all(pending.map(([, last]) => last))
    }
  }

  /** Resolves when all queues are empty. */
  async idle(): Promise<void> {
    await this.settled(() => true)
  }
}
