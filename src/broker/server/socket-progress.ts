import type { Socket } from 'node:net'
import type { ConnectionLimits } from './connection-limits.ts'

/** What libuv keeps of a socket: the bytes of a write that the system has not taken. A large write is one for Node. */
interface Written {
  readonly _handle?: { readonly writeQueueSize?: number } | null
}

/** When something last happened on a connection. Times are monotonic milliseconds. */
export class SocketProgress {
  /** Bytes came, or an answer was taken. */
  activeMs: number
  /** A request was received as a whole, or begun. */
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

  /** Why the connection is to end; null: it goes on. Who holds up nobody may take its time for taking an answer. */
  stallOf(
    nowMs: number,
    { requestStallMs, requestTurnMs, answerStallMs, maxIdleMs }: ConnectionLimits,
    state: { readonly isReceiving: boolean; readonly holdsUpRequests: boolean; readonly holdsUpAnswers: boolean },
  ): string | null {
    const queued = (this.#socket as unknown as Written)._handle?.writeQueueSize ?? this.#socket.writableLength
    if (queued !== this.#queuedBytes || queued === 0) this.#takenMs = nowMs
    this.#queuedBytes = queued
    if (state.isReceiving && nowMs - this.activeMs >= requestStallMs)
      return `a request was begun, and nothing more of it came for ${requestStallMs} ms`
    if (state.holdsUpRequests && nowMs - this.requestMs >= requestTurnMs)
      return `its requests take memory that others wait for, and none was complete within ${requestTurnMs} ms`
    if (state.holdsUpAnswers && nowMs - this.#takenMs >= answerStallMs)
      return `its client took nothing of an answer for ${answerStallMs} ms, while others wait for the memory`
    if (queued > 0 && nowMs - this.#takenMs >= maxIdleMs)
      return `its client took nothing of an answer for ${maxIdleMs} ms (connections.max.idle.ms)`
    return null
  }
}
