import type { ConnectionLimits } from './connection-limits.ts'

/** Connections that are kept for this machine, at most: the worker that the broker belongs to is one of its clients. */
const keptForThisMachine = 64
/** The part of `max.connections` that is kept, where that is less. */
const keptPart = 1 / 8

/** A connection, as far as others are let in or kept out for it. */
interface OpenConnection {
  readonly address: string
  /** Whether the client has shown who it is, or need not. */
  readonly isAuthenticated: boolean
  /** Null: something is under way on it. */
  readonly idleSinceMs: number | null
  destroy(): void
}

/** The open connections, and who may open one more. */
export class ConnectionAdmission<Connection extends OpenConnection> {
  readonly #limits: ConnectionLimits
  readonly #open = new Set<Connection>()
  readonly #perAddress = new Map<string, number>()

  constructor(limits: ConnectionLimits) {
    this.#limits = limits
  }

  [Symbol.iterator](): IterableIterator<Connection> {
    return this.#open.values()
  }

  /** Why a client may not connect; null when it may. For a client of this machine a connection goes that has not authenticated, else the one that is idle for longest. */
  refusalOf(address: string): string | null {
    const { maxConnections, maxConnectionsPerIp } = this.#limits
    if ((this.#perAddress.get(address) ?? 0) >= maxConnectionsPerIp)
      return `its address has ${maxConnectionsPerIp} connections (max.connections.per.ip)`
    const isHere = isThisMachine(address)
    const kept = isHere ? 0 : Math.min(keptForThisMachine, Math.floor(maxConnections * keptPart))
    if (this.#open.size < maxConnections - kept) return null
    const idle = isHere ? (this.#oldestStranger() ?? this.#longestIdle()) : null
    if (idle === null)
      return `${this.#open.size} connections are open (max.connections), ${kept} are kept for this machine`
    this.#remove(idle)
    idle.destroy()
    return null
  }

  get count(): number {
    return this.#open.size
  }

  add(connection: Connection): void {
    this.#open.add(connection)
    const { address } = connection
    this.#perAddress.set(address, (this.#perAddress.get(address) ?? 0) + 1)
  }

  /** Called when a connection has ended. */
  remove(connection: Connection): void {
    if (this.#open.has(connection)) this.#remove(connection)
  }

  #remove(connection: Connection): void {
    this.#open.delete(connection)
    const { address } = connection
    const left = (this.#perAddress.get(address) ?? 0) - 1
    if (left > 0) this.#perAddress.set(address, left)
    else this.#perAddress.delete(address)
  }

  #oldestStranger(): Connection | null {
    for (const connection of this.#open) if (!connection.isAuthenticated) return connection
    return null
  }

  #longestIdle(): Connection | null {
    let longest: { readonly connection: Connection; readonly sinceMs: number } | null = null
    for (const connection of this.#open) {
      const sinceMs = connection.idleSinceMs
      if (sinceMs !== null && (longest === null || sinceMs < longest.sinceMs)) longest = { connection, sinceMs }
    }
    return longest?.connection ?? null
  }
}

/** Whether an address is one of this machine's own. */
export function isThisMachine(address: string): boolean {
  return address === '::1' || address.startsWith('127.') || address.startsWith('::ffff:127.')
}
