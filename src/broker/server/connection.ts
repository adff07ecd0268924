import type { Socket } from 'node:net'
import type { Clock } from '../../foundation/clock.ts'
import type { LogStreaks } from '../../foundation/logging/log-streaks.ts'
import type { Logger } from '../../foundation/logging/logger.ts'
import type { Turns } from '../../foundation/async/turns.ts'
import { FrameSplitter } from '../../protocol/frame-splitter.ts'
import { ProtocolError } from '../../protocol/protocol-error.ts'
import { maxBytesBefore, type Authenticator, type Session } from './authentication.ts'
import type { ConnectionLimits } from './connection-limits.ts'
import type { ConnectionMemory } from './connection-memory.ts'
import { HeldMemory } from './held-memory.ts'
import { receivingSocket } from './receiving-socket.ts'
import type { RoutedRequest, Router } from '../requests/router.ts'
import { SocketProgress } from './socket-progress.ts'

/** The parts of a server that its connections share. */
export interface ConnectionSurroundings {
  readonly router: Router
  readonly limits: ConnectionLimits
  readonly memory: ConnectionMemory
  /** Shares the thread between the connections; null: this connection never waits for others. */
  readonly turns: Turns | null
  readonly clock: Clock
  readonly logger: Logger
  /** For log lines that a client causes. */
  readonly streaks: LogStreaks
  /** Null: every client that can connect may use the broker. */
  readonly authenticator: Authenticator | null
}

/** The read buffer of all connections of a thread. It is split into frames before the next connection reads. */
const sharedBuffer = Buffer.allocUnsafeSlow(64 * 1024)
/** Memory of a request besides its bytes, and of each decoded array element. */
const requestBytes = 512
const elementBytes = 200
/** One read can bring more requests only if their client does not want responses. */
const maxWaiting = 1000

interface InFlight {
  readonly request: RoutedRequest
  readonly response: Promise<Buffer[] | null>
  /** Memory for the response, counted before the response exists. */
  readonly held: { bytes: number }
}

/**
 * The connection of one client. Requests are processed one at a time, in the order of their arrival. Only requests of an API that
 * `overlaps` may be in flight together (Produce: they share one sync of the disk). Responses have the order of their requests.
 *
 * The memory of a connection counts against budgets that all connections share (I10): requests that are being received, that wait
 * or that are in flight, and responses that the client has not read. When a budget is exhausted, the connection is not read, or
 * does not start its next request, until its turn.
 */
export class Connection {
  /** The address of the client. */
  readonly address: string
  readonly #socket: Socket
  readonly #around: ConnectionSurroundings
  readonly #splitter: FrameSplitter
  readonly #abort = new AbortController()
  readonly #clientHost: string
  readonly #session: Session | null
  readonly #waiting: RoutedRequest[] = []
  readonly #inFlight: InFlight[] = []
  readonly #requests: HeldMemory
  readonly #responses: HeldMemory
  readonly #progress: SocketProgress
  #receivingBytes = 0
  #isWriting = false
  #isClosing = false
  #onIdle: (() => void) | null = null
  #hasTurn = false
  readonly #onTurn = (): void => {
    this.#hasTurn = true
    this.#regulate()
    this.#hasTurn = false
  }

  /** @param accepted the paused socket. @param onClosed called once, when the connection has closed. */
  constructor(accepted: Socket, around: ConnectionSurroundings, onClosed: () => void) {
    const { limits, memory, clock, logger } = around
    this.#around = around
    this.#requests = new HeldMemory(memory.requests, () => this.#regulate())
    this.#responses = new HeldMemory(memory.responses, () => this.#regulate())
    this.#splitter = new FrameSplitter(limits.maxRequestBytes, memory.receivedBy(this))
    const socket = receivingSocket(accepted, {
      destination: () => this.#splitter.destination(sharedBuffer.subarray(0, memory.readBytes)),
      received: (count) => this.#receive(() => this.#splitter.received(sharedBuffer, count)),
      push: (chunk) => this.#receive(() => this.#splitter.push(chunk)),
    })
    this.#socket = socket
    this.#progress = new SocketProgress(socket, clock.monotonic())
    // A client on a Unix domain socket has no address: it is on this machine.
    this.address = socket.remoteAddress ?? '127.0.0.1'
    this.#clientHost = `/${this.address}`
    this.#session = this.#beginSession(around)
    socket.setNoDelay(true)
    socket.setKeepAlive(true, 60_000)
    socket.on('drain', () => this.#regulate())
    socket.on('error', (error) => logger.debug('connection failed', { client: this.#clientHost, error: error.message }))
    socket.on('close', () => {
      this.#onClosed()
      onClosed()
    })
    this.#regulate()
  }

  /** Monotonic time of the last activity; null while a response is due, or a request is only partly received. */
  get idleSinceMs(): number | null {
    const isBusy = this.#inFlight.length > 0 || this.#waiting.length > 0 || this.#socket.writableLength > 0
    return isBusy || this.#splitter.isBegun ? null : this.#progress.activeMs
  }

  /** Whether the client has authenticated, or does not have to. */
  get isAuthenticated(): boolean {
    return this.#session === null || this.#session.state === 'authenticated'
  }

  /** Stops reading, ends parked requests immediately, and resolves when all responses in flight were sent. */
  async finish(): Promise<void> {
    this.#isClosing = true
    this.#socket.pause()
    this.#dropWaiting()
    const idle = new Promise<void>((resolve) => {
      this.#onIdle = resolve
    })
    this.#abort.abort()
    if (this.#inFlight.length > 0 && !this.#socket.destroyed) await idle
    await new Promise<void>((resolve) => {
      if (this.#socket.destroyed) return resolve()
      this.#socket.once('close', () => resolve())
      return this.#socket.end(() => resolve())
    })
  }

  /** Closes the connection immediately. */
  destroy(): void {
    this.#socket.destroy()
  }

  /** Closes the connection if it was idle for too long, or if it blocks others. */
  endIfStalled(nowMs: number): void {
    if (this.#socket.destroyed) return
    const { limits, memory, logger, streaks } = this.#around
    const client = { client: this.#clientHost }
    if (this.#session?.isLate(nowMs) === true) {
      this.#session.refuse('it sent no credentials in time')
      this.destroy()
      return
    }
    const idleSince = this.idleSinceMs
    if (idleSince !== null) {
      if (nowMs - idleSince < limits.maxIdleMs) return
      logger.debug(`closing a connection: nothing came for ${limits.maxIdleMs} ms (connections.max.idle.ms)`, client)
      this.destroy()
      return
    }
    const why = this.#progress.stallOf(nowMs, limits, {
      isReceiving: this.#splitter.isBegun && !this.#socket.isPaused(),
      holdsUpRequests: memory.requests.isContended && (this.#splitter.isBegun || this.#waiting.length > 0),
      holdsUpResponses: memory.responses.isContended && this.#socket.writableLength > 0,
    })
    if (why === null) return
    streaks.log('warn', { kind: 'stalled', client: this.address }, `closing a connection: ${why}`, client)
    this.destroy()
  }

  /** Resumes or pauses reading, depending on waiting requests and free memory. */
  regulateReading(): void {
    if (this.#socket.destroyed || this.#isClosing) return
    if (!this.#mayRead()) this.#socket.pause()
    else if (this.#socket.isPaused()) {
      this.#progress.activeMs = this.#around.clock.monotonic()
      this.#socket.resume()
    }
  }

  #receive(frames: () => Buffer[]): void {
    if (this.#isClosing) return
    this.#progress.activeMs = this.#around.clock.monotonic()
    const wasBegun = this.#splitter.isBegun
    let bytes = 0
    try {
      for (const frame of frames()) {
        const request = this.#around.router.route(frame)
        this.#waiting.push(request)
        bytes += frame.length + requestBytes
      }
      if (this.#waiting.length > maxWaiting)
        throw new ProtocolError(`more than ${maxWaiting} requests wait on one connection`)
    } catch (error) {
      this.#fail(error)
      return
    }
    if (bytes > 0 || !wasBegun) this.#progress.requestMs = this.#progress.activeMs
    if (bytes > 0) this.#around.memory.endGrowth(this)
    const receiving = this.#around.memory.countedOf(this, this.#splitter.heldBytes)
    this.#requests.take(bytes + receiving - this.#receivingBytes)
    this.#receivingBytes = receiving
    this.#regulate()
  }

  /** Resumes or pauses reading. Starts requests that waited for memory, or for the client to read its responses. */
  #regulate(): void {
    if (this.#waiting.length > 0 && !this.#socket.destroyed) this.#startWaiting()
    this.regulateReading()
  }

  #mayRead(): boolean {
    const { limits, memory } = this.#around
    const pending = this.#requests.bytes - this.#receivingBytes + this.#socket.writableLength
    if (pending >= limits.maxPendingBytes || this.#waiting.length >= limits.maxOverlapping) return false
    const { needsMemory, heldBytes } = this.#splitter
    // A frame that has its memory releases it sooner when it is read. A connection that holds nothing may always read a little.
    const mayGoOn = needsMemory
      ? memory.mayGrow(this, heldBytes)
      : heldBytes > 0 || pending === 0 || !memory.requests.isExhausted
    if (!mayGoOn) this.#requests.wait()
    return mayGoOn
  }

  #startWaiting(): void {
    while (this.#waiting.length > 0 && this.#mayStart()) {
      const request = this.#waiting.shift()
      if (request === undefined) return
      this.#start(request)
    }
    if (!this.#isWriting && this.#inFlight.length > 0) void this.#writeResponses()
  }

  #start(request: RoutedRequest): void {
    const { router, memory } = this.#around
    const held = { bytes: 0 }
    const hold = (bytes: number): void => {
      held.bytes += bytes
      this.#responses.take(bytes)
    }
    const response = router.responseFor(request, {
      clientHost: this.#clientHost,
      signal: this.#abort.signal,
      session: this.#session,
      memory: {
        get room() {
          return memory.roomForRecords
        },
        hold,
      },
    })
    // Awaited in its turn; until then a failure must not count as unhandled.
    response.catch(() => undefined)
    hold(request.reader.elementCount * elementBytes)
    this.#progress.requestMs = this.#around.clock.monotonic()
    this.#inFlight.push({ request, response, held })
    // Only `records` of the decoded request is a view of the frame.
    if (!request.handler.carriesRecords) this.#giveBack(request)
  }

  #mayStart(): boolean {
    const [next] = this.#waiting
    if (next === undefined) return false
    const { limits, memory } = this.#around
    if (this.#inFlight.length > 0) {
      if (this.#inFlight.length >= limits.maxOverlapping) return false
      if (!next.handler.overlaps || !this.#inFlight.every(({ request }) => request.handler.overlaps)) return false
      return this.#mayWork()
    }
    // A client that has not read its records gets no more of them.
    const { respondsWithRecords } = next.handler
    if (this.#socket.writableLength >= (respondsWithRecords ? 1 : limits.maxPendingBytes)) return false
    if (memory.mayRespond(respondsWithRecords)) return this.#mayWork()
    this.#responses.wait()
    return false
  }

  /** Returns whether it is this connection's turn. While others wait, a turn is one request. */
  #mayWork(): boolean {
    const { turns } = this.#around
    if (turns === null || this.#hasTurn || turns.mayStart()) {
      this.#hasTurn = false
      return true
    }
    turns.wait(this.#onTurn)
    return false
  }

  async #writeResponses(): Promise<void> {
    this.#isWriting = true
    for (let head = this.#inFlight[0]; head !== undefined; head = this.#inFlight[0]) {
      try {
        const parts = await head.response
        this.#write(parts ?? [], head.held.bytes)
        if (this.#session?.state === 'refused') this.#endRefused()
      } catch (error) {
        this.#responses.take(-head.held.bytes)
        this.#fail(error, head.request)
      }
      this.#inFlight.shift()
      // The records are durable or were rejected.
      if (head.request.handler.carriesRecords) this.#giveBack(head.request)
      if (!this.#socket.destroyed) this.#startWaiting()
    }
    this.#isWriting = false
    this.#regulate()
    this.#onIdle?.()
  }

  #write(parts: readonly Buffer[], heldBytes: number): void {
    const bytes = parts.reduce((sum, part) => sum + part.length, 0)
    this.#responses.take(bytes - heldBytes)
    const [last] = parts.slice(-1)
    if (this.#socket.destroyed || last === undefined) return this.#responses.take(-bytes)
    this.#socket.cork()
    for (const part of parts.slice(0, -1)) this.#socket.write(part)
    this.#socket.write(last, () => {
      this.#progress.activeMs = this.#around.clock.monotonic()
      this.#responses.take(-bytes)
      this.#regulate()
    })
    return this.#socket.uncork()
  }

  #giveBack(request: RoutedRequest): void {
    this.#around.memory.frames.giveBack(request.frame)
    this.#requests.take(-(request.sizeInBytes + requestBytes))
  }

  #fail(error: unknown, request?: RoutedRequest): void {
    const { streaks } = this.#around
    const api = request?.handler.api.name
    const fields = { client: this.#clientHost, clientId: request?.header.clientId, api }
    const cause = { kind: `${error instanceof ProtocolError ? 'protocol' : 'failure'} ${api}`, client: this.address }
    if (error instanceof ProtocolError && this.#session !== null && !this.isAuthenticated)
      this.#session.refuse(error.message)
    else if (error instanceof ProtocolError)
      streaks.log('warn', cause, `closing a connection: ${error.message}`, fields)
    else {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
      streaks.log('error', cause, 'a request failed; closing its connection', { ...fields, error: text })
    }
    this.#socket.destroy()
  }

  #beginSession({ authenticator, limits }: ConnectionSurroundings): Session | null {
    const session = authenticator?.session(this.#clientHost) ?? null
    if (session === null) return null
    this.#splitter.maxBytes = Math.min(maxBytesBefore, limits.maxRequestBytes)
    session.onAuthenticated = () => {
      this.#splitter.maxBytes = limits.maxRequestBytes
    }
    return session
  }

  /** Sends the last response to a rejected client; stops reading. */
  #endRefused(): void {
    this.#isClosing = true
    this.#socket.pause()
    this.#dropWaiting()
    this.#socket.destroySoon()
  }

  #dropWaiting(): void {
    for (const request of this.#waiting.splice(0)) this.#requests.take(-(request.sizeInBytes + requestBytes))
  }

  #onClosed(): void {
    this.#isClosing = true
    this.#waiting.splice(0)
    this.#around.memory.endGrowth(this)
    this.#around.turns?.leave(this.#onTurn)
    this.#requests.close()
    this.#responses.close()
    this.#abort.abort()
    this.#onIdle?.()
  }
}
