/** A connection that counts towards the limits of a server, which may close it in favour of another. */
export interface OpenConnection {
  /** The client's address. */
  readonly address: string
  /** Monotonic milliseconds of the last activity; null while a request is in progress. */
  readonly idleSinceMs: number | null
}

/** The open connections of a server, counted by client address. */
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

  /** Returns the connection that has been idle for longest; null if all are busy. */
  longestIdle(): Connection | null {
    let longest: { readonly connection: Connection; readonly sinceMs: number } | null = null
    for (const connection of this.#open) {
      const sinceMs = connection.idleSinceMs
      if (sinceMs !== null && (longest === null || sinceMs < longest.sinceMs)) longest = { connection, sinceMs }
    }
    return longest?.connection ?? null
  }
}
