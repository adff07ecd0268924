/** A connection, as far as others are kept out, or it is ended, for it. */
export interface OpenConnection {
  /** The client's address. */
  readonly address: string
  /** Monotonic time of the last thing that happened on it, in milliseconds; null: something is under way. */
  readonly idleSinceMs: number | null
}

/** Connections that are open, counted by the addresses of their clients. */
export class OpenConnections<Connection extends OpenConnection> {
  readonly #open = new Set<Connection>()
  readonly #perAddress = new Map<string, number>()

  get count(): number {
    return this.#open.size
  }

  [Symbol.iterator](): IterableIterator<Connection> {
    return this.#open.values()
  }

  countOf(address: string): number {
    return this.#perAddress.get(address) ?? 0
  }

  has(connection: Connection): boolean {
    return this.#open.has(connection)
  }

  add(connection: Connection): void {
    this.#open.add(connection)
    const { address } = connection
    this.#perAddress.set(address, this.countOf(address) + 1)
  }

  /** @returns whether it was open. */
  remove(connection: Connection): boolean {
    if (!this.#open.delete(connection)) return false
    const { address } = connection
    const left = this.countOf(address) - 1
    if (left > 0) this.#perAddress.set(address, left)
    else this.#perAddress.delete(address)
    return true
  }

  /** The one on which nothing has happened for longest; null when something is under way on all of them. */
  longestIdle(): Connection | null {
    let longest: { readonly connection: Connection; readonly sinceMs: number } | null = null
    for (const connection of this.#open) {
      const sinceMs = connection.idleSinceMs
      if (sinceMs !== null && (longest === null || sinceMs < longest.sinceMs)) longest = { connection, sinceMs }
    }
    return longest?.connection ?? null
  }
}
