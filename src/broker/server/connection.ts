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

/** What all connections of a server share. */
export interface ConnectionSurroundings {
  readonly router: Router
  readonly limits: ConnectionLimits
  readonly memory: ConnectionMemory
  /** Shares the thread between the connections; null: this one waits for no other. */
  readonly turns: Turns | null
  readonly clock: Clock
  readonly logger: Logger
  /** For what a client causes. */
  readonly streaks: LogStreaks
  /** Null: everybody who reaches the broker may use it. */
  readonly authenticator: Authenticator | null
}

/** What all connections of a thread read to, one after the other: it is cut into frames before the next one reads. */
const sharedBuffer = Buffer.allocUnsafeSlow(64 * 1024)
/** Memory that a request takes besides its bytes, and each element of its arrays once it is decoded. */
const requestBytes = 512
const elementBytes = 200
/** Requests that one read can bring are more only where they are not meant to be answered. */
const maxWaiting = 1000

interface UnderWay {
  readonly request: RoutedRequest
  readonly answer: Promise<Buffer[] | null>
  /** Memory of the answers that it holds until there is one. */
  readonly held: { bytes: number }
}

/**
 * One client. Requests are served in the order they came, one after the other; only those of an API that `overlaps` may be
 * under way together (Produce: they share one sync of the disk). Answers leave in the order of their requests.
 *
 * What it holds of the memory that all share is counted: what is being received, what waits, what is being worked on, what the
 * client has not taken. Where that memory is used up it is not read, or does not begin its next request, until its turn.
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
  readonly #underWay: UnderWay[] = []
  readonly #requests: HeldMemory
  readonly #answers: HeldMemory
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

  /** @param accepted the socket as the server gave it, paused. @param onClosed called once, when the connection has ended. */
  constructor(accepted: Socket, around: ConnectionSurroundings, onClosed: () => void) {
    const { limits, memory, clock, logger } = around
    this.#around = around
    this.#requests = new HeldMemory(memory.requests, () => this.#regulate())
    this.#answers = new HeldMemory(memory.answers, () => this.#regulate())
    this.#splitter = new FrameSplitter(limits.maxRequestBytes, memory.receivedBy(this))
    const socket = receivingSocket(accepted, {
      destination: () => this.#splitter.destination(sharedBuffer.subarray(0, memory.readBytes)),
      received: (count) => this.#receive(() => this.#splitter.received(sharedBuffer, count)),
      push: (chunk) => this.#receive(() => this.#splitter.push(chunk)),
    })
    this.#socket = socket
    this.#progress = new SocketProgress(socket, clock.monotonic())
    // A client on a socket of the file system has no address: it is on this machine.
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

  /** Monotonic time since which nothing happened; null while the client is owed something, or in the middle of a request. */
  get idleSinceMs(): number | null {
    const isBusy = this.#underWay.length > 0 || this.#waiting.length > 0 || this.#socket.writableLength > 0
    return isBusy || this.#splitter.isBegun ? null : this.#progress.activeMs
  }

  /** Whether the client has shown who it is, or need not. */
  get isAuthenticated(): boolean {
    return this.#session === null || this.#session.state === 'authenticated'
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

  /** Ends the connection when nothing has happened on it for too long, or when it holds up others. */
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
      holdsUpAnswers: memory.answers.isContended && this.#socket.writableLength > 0,
    })
    if (why === null) return
    streaks.log('warn', { kind: 'stalled', client: this.address }, `closing a connection: ${why}`, client)
    this.destroy()
  }

  /** Reads on or stops reading, by what waits and by the memory that is left. */
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

  /** Reads on or stops reading; starts what waited for the client to take its answers, or for memory. */
  #regulate(): void {
    if (this.#waiting.length > 0 && !this.#socket.destroyed) this.#startWaiting()
    this.regulateReading()
  }

  #mayRead(): boolean {
    const { limits, memory } = this.#around
    const pending = this.#requests.bytes - this.#receivingBytes + this.#socket.writableLength
    if (pending >= limits.maxPendingBytes || this.#waiting.length >= limits.maxOverlapping) return false
    const { needsMemory, heldBytes } = this.#splitter
    // What has its memory already gives it back the sooner for being read. Who holds nothing may always read a little.
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
    if (!this.#isWriting && this.#underWay.length > 0) void this.#writeAnswers()
  }

  #start(request: RoutedRequest): void {
    const { router, memory } = this.#around
    const held = { bytes: 0 }
    const hold = (bytes: number): void => {
      held.bytes += bytes
      this.#answers.take(bytes)
    }
    const answer = router.answer(request, {
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
    // Looked at in its turn; until then a failure must not count as unhandled.
    answer.catch(() => undefined)
    hold(request.reader.elementCount * elementBytes)
    this.#progress.requestMs = this.#around.clock.monotonic()
    this.#underWay.push({ request, answer, held })
    // What was decoded holds no view of the frame but `records`.
    if (!request.handler.carriesRecords) this.#giveBack(request)
  }

  #mayStart(): boolean {
    const [next] = this.#waiting
    if (next === undefined) return false
    const { limits, memory } = this.#around
    if (this.#underWay.length > 0) {
      if (this.#underWay.length >= limits.maxOverlapping) return false
      if (!next.handler.overlaps || !this.#underWay.every(({ request }) => request.handler.overlaps)) return false
      return this.#mayWork()
    }
    // A client that is slow to take its records gets no more of them meanwhile.
    const { answersRecords } = next.handler
    if (this.#socket.writableLength >= (answersRecords ? 1 : limits.maxPendingBytes)) return false
    if (memory.mayAnswer(answersRecords)) return this.#mayWork()
    this.#answers.wait()
    return false
  }

  /** Whether it is this connection's turn: one request at a time, while others wait for theirs. */
  #mayWork(): boolean {
    const { turns } = this.#around
    if (turns === null || this.#hasTurn || turns.mayStart()) {
      this.#hasTurn = false
      return true
    }
    turns.wait(this.#onTurn)
    return false
  }

  async #writeAnswers(): Promise<void> {
    this.#isWriting = true
    for (let head = this.#underWay[0]; head !== undefined; head = this.#underWay[0]) {
      try {
        const parts = await head.answer
        this.#write(parts ?? [], head.held.bytes)
        if (this.#session?.state === 'refused') this.#endRefused()
      } catch (error) {
        this.#answers.take(-head.held.bytes)
        this.#fail(error, head.request)
      }
      this.#underWay.shift()
      // The records are in the log or refused.
      if (head.request.handler.carriesRecords) this.#giveBack(head.request)
      if (!this.#socket.destroyed) this.#startWaiting()
    }
    this.#isWriting = false
    this.#regulate()
    this.#onIdle?.()
  }

  #write(parts: readonly Buffer[], heldBytes: number): void {
    const bytes = parts.reduce((sum, part) => sum + part.length, 0)
    this.#answers.take(bytes - heldBytes)
    const [last] = parts.slice(-1)
    if (this.#socket.destroyed || last === undefined) return this.#answers.take(-bytes)
    this.#socket.cork()
    for (const part of parts.slice(0, -1)) this.#socket.write(part)
    this.#socket.write(last, () => {
      this.#progress.activeMs = this.#around.clock.monotonic()
      this.#answers.take(-bytes)
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

  /** The client takes its last response; nothing more is read. */
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
    this.#answers.close()
    this.#abort.abort()
    this.#onIdle?.()
  }
}
