/** Something that stops. */
export interface Ending<T> {
  readonly item: T
  readonly ended: Promise<void>
}

/** What stops, until it has. By name: of a name, the latest end counts. */
export class Endings<T> {
  readonly #endings = new Map<string, Ending<T>>()

  get list(): readonly Ending<T>[] {
    return [...this.#endings.values()]
  }

  /** Resolves, or rejects, with `ended`. */
  async track(name: string, ending: Ending<T>): Promise<void> {
    this.#endings.set(name, ending)
    try {
      await ending.ended
    } finally {
      if (this.#endings.get(name) === ending) this.#endings.delete(name)
    }
  }
}
