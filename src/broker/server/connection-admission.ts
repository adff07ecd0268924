import { isLoopback } from '../../foundation/network/listen-address.ts'
import { OpenConnections, type OpenConnection } from '../../foundation/network/open-connections.ts'
import type { ConnectionLimits } from './connection-limits.ts'

/** Maximum number of connections reserved for this machine. The worker that owns the broker is one of its clients. */
const keptForThisMachine = 64
/** The part of `max.connections` that is reserved, if that is less. */
const keptPart = 1 / 8

/** A connection, as far as admission of others depends on it. */
interface AdmittedConnection extends OpenConnection {
  /** Whether the client has authenticated, or does not have to. */
  readonly isAuthenticated: boolean
  destroy(): void
}

/** The open connections, and the rules for one more. */
export class ConnectionAdmission<Connection extends AdmittedConnection> {
  readonly #limits: ConnectionLimits
  readonly #open = new OpenConnections<Connection>()

  constructor(limits: ConnectionLimits) {
    this.#limits = limits
  }

  [Symbol.iterator](): IterableIterator<Connection> {
    return this.#open[Symbol.iterator]()
  }

  /**
   * Returns why a client may not connect; null when it may. For a client on this machine, another connection is closed at the
   * limit: one that has not authenticated, else the one that was idle longest.
   */
  refusalOf(address: string): string | null {
    const { maxConnections, maxConnectionsPerIp } = this.#limits
    if (this.#open.countOf(address) >= maxConnectionsPerIp)
      return `its address has ${maxConnectionsPerIp} connections (max.connections.per.ip)`
    const isHere = isLoopback(address)
    const kept = isHere ? 0 : Math.min(keptForThisMachine, Math.floor(maxConnections * keptPart))
    if (this.#open.count < maxConnections - kept) return null
    const idle = isHere ? (this.#oldestStranger() ?? this.#open.longestIdle()) : null
    if (idle === null)
      return `${this.#open.count} connections are open (max.connections), ${kept} are kept for this machine`
    this.#open.remove(idle)
    idle.destroy()
    return null
  }

  get count(): number {
    return this.#open.count
  }

  add(connection: Connection): void {
    this.#open.add(connection)
  }

  /** Must be called when a connection has closed. */
  remove(connection: Connection): void {
    this.#open.remove(connection)
  }

  #oldestStranger(): Connection | null {
    for (const connection of this.#open) if (!connection.isAuthenticated) return connection
    return null
  }
}
