/** What clients may take of the broker; Kafka's settings in brackets. Times in milliseconds, sizes in bytes. */
export interface ConnectionLimits {
  /** Connections at most (`max.connections`). Some of them are kept for this machine, where the broker's own worker is. */
  readonly maxConnections: number
  /** Connections of one address (`max.connections.per.ip`). */
  readonly maxConnectionsPerIp: number
  /** A connection on which nothing happens for so long is closed (`connections.max.idle.ms`). */
  readonly maxIdleMs: number
  /** Largest request (`socket.request.max.bytes`). */
  readonly maxRequestBytes: number
  /** Requests of all connections that are received and not yet answered (`queued.max.request.bytes`). */
  readonly queuedRequestBytes: number
  /** Answers of all connections that are made and not yet taken by their clients. */
  readonly queuedAnswerBytes: number
  /** Requests of one connection that are read and not answered, and answers it did not take: above it, it is not read. */
  readonly maxPendingBytes: number
  /** Requests of one connection under way together, where their API allows that. */
  readonly maxOverlapping: number
  /** A client has this long for the next bytes of a request that it began. */
  readonly requestStallMs: number
  /** A client has this long to complete a request that it began, while others wait for the memory of it. */
  readonly requestTurnMs: number
  /** A client has this long to take some of its answer, while others wait for the memory of it. */
  readonly answerStallMs: number
}

/** Kafka's defaults, but for the number of connections and the memory, which have none there. */
export const defaultConnectionLimits: ConnectionLimits = {
  maxConnections: 2048,
  maxConnectionsPerIp: 2_147_483_647,
  maxIdleMs: 600_000,
  maxRequestBytes: 100 * 1024 * 1024,
  queuedRequestBytes: 24 * 1024 * 1024,
  queuedAnswerBytes: 40 * 1024 * 1024,
  maxPendingBytes: 8 * 1024 * 1024,
  maxOverlapping: 32,
  requestStallMs: 30_000,
  requestTurnMs: 10_000,
  answerStallMs: 10_000,
}
