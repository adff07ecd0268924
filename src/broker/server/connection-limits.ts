/** The limits for clients (I10), with Kafka's settings in brackets. Times in milliseconds, sizes in bytes. */
export interface ConnectionLimits {
  /** Connections at most (`max.connections`). Some of them are kept for this machine, where the broker's own worker is. */
  readonly maxConnections: number
  /** Connections of one address (`max.connections.per.ip`). */
  readonly maxConnectionsPerIp: number
  /** A connection that is idle for this long is closed (`connections.max.idle.ms`). */
  readonly maxIdleMs: number
  /** Largest request (`socket.request.max.bytes`). */
  readonly maxRequestBytes: number
  /** Bytes of requests of all connections that were received and not yet processed (`queued.max.request.bytes`). */
  readonly queuedRequestBytes: number
  /** Bytes of responses of all connections that their clients have not yet read. */
  readonly queuedResponseBytes: number
  /** Bytes of requests in flight and of unread responses of one connection, above which the connection is not read. */
  readonly maxPendingBytes: number
  /** Maximum requests of one connection in flight, where their API allows more than one. */
  readonly maxOverlapping: number
  /** A client has this long for the next bytes of a request that it began. */
  readonly requestStallMs: number
  /** A client has this long to complete a request that it began, while others wait for the memory of it. */
  readonly requestTurnMs: number
  /** How long a client may read nothing of its response while others wait for the memory. */
  readonly responseStallMs: number
}

/** Kafka's defaults, but for the number of connections and the memory, which have none there. */
export const defaultConnectionLimits: ConnectionLimits = {
  maxConnections: 2048,
  maxConnectionsPerIp: 2_147_483_647,
  maxIdleMs: 600_000,
  maxRequestBytes: 100 * 1024 * 1024,
  queuedRequestBytes: 24 * 1024 * 1024,
  queuedResponseBytes: 40 * 1024 * 1024,
  maxPendingBytes: 8 * 1024 * 1024,
  maxOverlapping: 32,
  requestStallMs: 30_000,
  requestTurnMs: 10_000,
  responseStallMs: 10_000,
}
