import type { Socket } from 'node:net'
import type { Logger } from '../foundation/logger.ts'
import { FrameSplitter } from '../protocol/frame-splitter.ts'
import { ProtocolError } from '../protocol/protocol-error.ts'
import { FramePool } from './frame-pool.ts'
import { receivingSocket } from './receiving-socket.ts'
import type { ConnectionContext, RoutedRequest, Router } from './router.ts'

/** Limits of one connection, in bytes and requests. */
export interface ConnectionLimits {
  /** Largest request. */
  readonly maxRequestBytes: number
  /** Requests read but not answered, and answers not taken by the client: above it the socket is not read. */
  readonly maxPendingBytes: number
  /** Requests under way together, where their API allows that. */
  readonly maxOverlapping: number
}

export const defaultConnectionLimits: ConnectionLimits = {
  maxRequestBytes: 100 * 1024 * 1024,
  maxPendingBytes: 32 * 1024 * 1024,
  maxOverlapping: 32,
}

/** What all connections of a thread read to, one after the other: it is cut into frames before the next one reads. */
const sharedBuffer = Buffer.allocUnsafeSlow(64 * 1024)
/** As many batches as a producer has in flight. */
const pooledFrames = 5

/**
 * One client. Requests are served in the order they came, one after the other; only those of an API that `overlaps` may be
 * under way together (Produce: they share one sync of the disk). Answers leave in the order of their requests.
 */
export class Connection {
  readonly #socket: Socket
  readonly #router: Router
  readonly #limits: ConnectionLimits
  readonly #logger: Logger
  readonly #splitter: FrameSplitter
  readonly #frames = new FramePool(pooledFrames)
  readonly #abort = new AbortController()
  readonly #context: ConnectionContext
  readonly #waiting: RoutedRequest[] = []
  readonly #underWay: { readonly request: RoutedRequest; readonly answer: Promise<Buffer[] | null> }[] = []
  #pendingBytes = 0
  #isWriting = false
  #isClosing = false
  #onIdle: (() => void) | null = null

  /** @param accepted the socket as the server gave it, paused. @param onClosed called once, when the connection has ended. */
  constructor(accepted: Socket, router: Router, limits: ConnectionLimits, logger: Logger, onClosed: () => void) {
    this.#router = router
    this.#limits = limits
    this.#logger = logger
    this.#splitter = new FrameSplitter(limits.maxRequestBytes, this.#frames)
    const socket = receivingSocket(accepted, {
      destination: () => this.#splitter.destination(sharedBuffer),
      received: (count) => this.#receive(() => this.#splitter.received(sharedBuffer, count)),
      push: (chunk) => this.#receive(() => this.#splitter.push(chunk)),
    })
    this.#socket = socket
    this.#context = { clientHost: `/${socket.remoteAddress ?? 'unknown'}`, signal: this.#abort.signal }
    socket.setNoDelay(true)
    socket.setKeepAlive(true, 60_000)
    socket.on('drain', () => this.#regulate())
    socket.on('error', (error) =>
      logger.debug('connection failed', { client: this.#context.clientHost, error: error.message }),
    )
    socket.on('close', () => {
      this.#onClosed()
      onClosed()
    })
  }

  /** Lets what is under way be answered, parked requests at once; nothing more is read. Resolves when the client has it all. */
  async finish(): Promise<void> {
    this.#isClosing = true
    this.#socket.pause()
    this.#dropWaiting()
    const idle = new Promise<void>((resolve) => {
      this.#onIdle = resolve
    })
    this.#abort.abort()
    if (this.#underWay.length > 0 && !this.#socket.destroyed) await idle
    await new Promise<void>((resolve) => {
      if (this.#socket.destroyed) return resolve()
      this.#socket.once('close', () => resolve())
      return this.#socket.end(() => resolve())
    })
  }

  /** Ends the connection at once. */
  destroy(): void {
    this.#socket.destroy()
  }

  #receive(frames: () => Buffer[]): void {
    if (this.#isClosing) return
    try {
      for (const frame of frames()) {
        this.#waiting.push(this.#router.route(frame))
        this.#pendingBytes += frame.length
      }
    } catch (error) {
      this.#fail(error)
      return
    }
    this.#startWaiting()
    this.#regulate()
  }

  #startWaiting(): void {
    while (this.#waiting.length > 0 && this.#mayStart()) {
      const request = this.#waiting.shift()
      if (request === undefined) return
      const answer = this.#router.answer(request, this.#context)
      // Looked at in its turn; until then a failure must not count as unhandled.
      answer.catch(() => undefined)
      this.#underWay.push({ request, answer })
    }
    if (!this.#isWriting && this.#underWay.length > 0) void this.#writeAnswers()
  }

  #mayStart(): boolean {
    if (this.#underWay.length === 0) return this.#socket.writableLength < this.#limits.maxPendingBytes
    if (this.#underWay.length >= this.#limits.maxOverlapping) return false
    return (
      this.#waiting[0]?.handler.overlaps === true && this.#underWay.every(({ request }) => request.handler.overlaps)
    )
  }

  async #writeAnswers(): Promise<void> {
    this.#isWriting = true
    for (let head = this.#underWay[0]; head !== undefined; head = this.#underWay[0]) {
      try {
        const parts = await head.answer
        if (parts !== null) this.#write(parts)
      } catch (error) {
        this.#fail(error, head.request)
      }
      this.#underWay.shift()
      // What was decoded holds no view of the frame but `records`, and they are in the log or refused.
      this.#frames.giveBack(head.request.frame)
      this.#pendingBytes -= head.request.sizeInBytes
      if (!this.#socket.destroyed) this.#startWaiting()
    }
    this.#isWriting = false
    this.#regulate()
    this.#onIdle?.()
  }

  #write(parts: readonly Buffer[]): void {
    if (this.#socket.destroyed) return
    this.#socket.cork()
    for (const part of parts) this.#socket.write(part)
    this.#socket.uncork()
  }

  /** Reads on or stops reading, by what waits; starts what waited for the client to take its answers. */
  #regulate(): void {
    if (this.#socket.destroyed || this.#isClosing) return
    if (this.#pendingBytes + this.#socket.writableLength >= this.#limits.maxPendingBytes) this.#socket.pause()
    else if (this.#socket.isPaused()) this.#socket.resume()
    if (this.#waiting.length > 0) this.#startWaiting()
  }

  #fail(error: unknown, request?: RoutedRequest): void {
    const fields = {
      client: this.#context.clientHost,
      clientId: request?.header.clientId,
      api: request?.handler.api.name,
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    }
    if (error instanceof ProtocolError)
      this.#logger.warn(`closing a connection: ${error.message}`, { ...fields, error: undefined })
    else this.#logger.error('a request failed; closing its connection', fields)
    this.#socket.destroy()
  }

  #dropWaiting(): void {
    for (const request of this.#waiting.splice(0)) this.#pendingBytes -= request.sizeInBytes
  }

  #onClosed(): void {
    this.#isClosing = true
    this.#dropWaiting()
    this.#abort.abort()
    this.#onIdle?.()
  }
}
