import { OpenConnections, type OpenConnection } from '../../foundation/network/open-connections.ts'
import type { ConnectionLimits } from './connection-limits.ts'

/** Connections that are kept for this machine, at most: the worker that the broker belongs to is one of its clients. */
const keptForThisMachine = 64
/** The part of `max.connections` that is kept, where that is less. */
const keptPart = 1 / 8

/** A connection, as far as others are let in or kept out for it. */
interface AdmittedConnection extends OpenConnection {
  /** Whether the client has authenticated, or does not have to. */
  readonly isAuthenticated: boolean
  destroy(): void
}

/** The open connections, and who may open one more. */
export class ConnectionAdmission<Connection extends AdmittedConnection> {
  readonly #limits: ConnectionLimits
  readonly #open = new OpenConnections<Connection>()

  constructor(limits: ConnectionLimits) {
    this.#limits = limits
  }

  [Symbol.iterator](): IterableIterator<Connection> {
    return this.#open[Symbol.iterator]()
  }

  /** Why a client may not connect; null when it may. For a client of this machine a connection goes that has not authenticated, else the one that is idle for longest. */
  refusalOf(address: string): string | null {
    const { maxConnections, maxConnectionsPerIp } = this.#limits
    if (this.#open.countOf(address) >= maxConnectionsPerIp)
      return `its address has ${maxConnectionsPerIp} connections (max.connections.per.ip)`
    const isHere = isThisMachine(address)
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

  /** Called when a connection has ended. */
  remove(connection: Connection): void {
    this.#open.remove(connection)
  }

  #oldestStranger(): Connection | null {
    for (const connection of this.#open) if (!connection.isAuthenticated) return connection
    return null
  }
}

/** Returns whether an address belongs to this machine. */
export function isThisMachine(address: string): boolean {
  return address === '::1' || address.startsWith('127.') || address.startsWith('::ffff:127.')
}
