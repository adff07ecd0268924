import type { Socket } from 'node:net'
import type { ConnectionLimits } from './connection-limits.ts'

/** The libuv handle of a socket: the bytes of a write that the system has not taken. For Node, a large write is one unit. */
interface Written {
  readonly _handle?: { readonly writeQueueSize?: number } | null
}

/** The last activity of a connection. Times are monotonic milliseconds. */
export class SocketProgress {
  /** When bytes arrived, or a response was sent. */
  activeMs: number
  /** When a request was completely received, or started. */
  requestMs: number
  readonly #socket: Socket
  #takenMs: number
  #queuedBytes = 0

  constructor(socket: Socket, nowMs: number) {
    this.#socket = socket
    this.activeMs = nowMs
    this.requestMs = nowMs
    this.#takenMs = nowMs
  }

  /** Returns why to close the connection; null to keep it. A client that blocks no other may read its response slowly. */
  stallOf(
    nowMs: number,
    { requestStallMs, requestTurnMs, responseStallMs, maxIdleMs }: ConnectionLimits,
    state: { readonly isReceiving: boolean; readonly holdsUpRequests: boolean; readonly holdsUpResponses: boolean },
  ): string | null {
    const queued = (this.#socket as unknown as Written)._handle?.writeQueueSize ?? this.#socket.writableLength
    if (queued !== this.#queuedBytes || queued === 0) this.#takenMs = nowMs
    this.#queuedBytes = queued
    if (state.isReceiving && nowMs - this.activeMs >= requestStallMs)
      return `a request was begun, and nothing more of it came for ${requestStallMs} ms`
    if (state.holdsUpRequests && nowMs - this.requestMs >= requestTurnMs)
      return `its requests take memory that others wait for, and none was complete within ${requestTurnMs} ms`
    if (state.holdsUpResponses && nowMs - this.#takenMs >= responseStallMs)
      return `its client read nothing of a response for ${responseStallMs} ms, while others wait for the memory`
    if (queued > 0 && nowMs - this.#takenMs >= maxIdleMs)
      return `its client read nothing of a response for ${maxIdleMs} ms (connections.max.idle.ms)`
    return null
  }
}
