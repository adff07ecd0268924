import { ConnectError, deferred, type Clock, type Deferred } from 'penstock/api'
import type { Duplex } from 'node:stream'
import { connectionLost, serverError, type PostgresServerError } from './pg-error.ts'

/**
 * Takes one CopyData payload: the bytes [start, end) of `bytes`, which are valid only during the call. Returns false when
 * it is not ready: {@link CopyStream.proceed} passes the same frame again.
 */
export type FrameHandler = (bytes: Buffer, start: number, end: number) => boolean

/** Message types of the frontend/backend protocol. https://www.postgresql.org/docs/current/protocol-message-formats.html */
const tag = {
  query: 0x51,
  data: 0x64,
  done: 0x63,
  error: 0x45,
  notice: 0x4e,
  ready: 0x5a,
  copyOut: 0x48,
  copyBoth: 0x57,
  end: 0x58,
}

/** After a shorter read the socket rests for {@link restMs}, because the walsender writes one small packet for each row. */
const shortRead = 32_768
const restMs = 1

/**
 * The socket of a connection during a copy (COPY TO STDOUT, START_REPLICATION). The driver's parser is detached until the
 * server is ready for the next query. Frames are handled in place and nothing is queued: to stop reading applies
 * back-pressure to the server (I10).
 */
export class CopyStream {
  readonly #socket: Duplex
  readonly #clock: Clock
  readonly #onFrame: FrameHandler
  readonly #savedListeners: Function[]
  readonly #started: Deferred<void> = deferred<void>()
  readonly #done: Deferred<void> = deferred<void>()
  /** Bytes of an incomplete message. */
  #parts: Buffer[] = []
  #partsLength = 0
  #needed = 0
  /** Complete frames that wait for {@link proceed}. */
  #held: Buffer | null = null
  #resting = false
  #paused = false
  #discarding = false
  #finished = false
  #error: Error | null = null
  #lastReadAt: number
  /** Called with server notices between the frames. If it throws, the copy fails. */
  onNotice: (notice: PostgresServerError) => void = () => undefined

  constructor(socket: Duplex, sql: string, clock: Clock, onFrame: FrameHandler) {
    this.#socket = socket
    this.#clock = clock
    this.#onFrame = onFrame
    this.#lastReadAt = clock.monotonic()
    this.#savedListeners = socket.listeners('data')
    socket.removeAllListeners('data')
    socket.on('data', this.#onChunk)
    socket.on('error', this.#onLost)
    socket.on('close', this.#onLost)
    // Callers await both promises later; until then a rejection must not count as unhandled.
    this.#started.promise.catch(() => undefined)
    this.#done.promise.catch(() => undefined)
    socket.write(message(tag.query, Buffer.from(`${sql}\0`)))
  }

  /** Resolves when the server starts to copy; rejects when it refuses. */
  get started(): Promise<void> {
    return this.#started.promise
  }

  /** Resolves when the copy is complete and the connection is ready for the next query. */
  get done(): Promise<void> {
    return this.#done.promise
  }

  get finished(): boolean {
    return this.#finished
  }

  /** Monotonic time of the last read. */
  get lastReadAt(): number {
    return this.#lastReadAt
  }

  get paused(): boolean {
    return this.#paused || this.#held !== null
  }

  /** Stops reading from the socket. Frames that were read already are still handled. */
  pause(): void {
    this.#paused = true
    this.#updateFlow()
  }

  resume(): void {
    this.#paused = false
    this.#updateFlow()
  }

  /** Passes the frame that the handler did not take again, and those after it. */
  proceed(): void {
    const held = this.#held
    if (held === null) return
    this.#held = null
    this.#run(held)
    this.#updateFlow()
  }

  /** Sends a CopyData payload. */
  send(payload: Buffer): void {
    if (!this.#finished && this.#socket.writable) this.#socket.write(message(tag.data, payload))
  }

  /** Closes the connection: the copy fails with this error. */
  abort(error: Error): void {
    this.#fail(error)
  }

  /** Ends a CopyBoth stream gracefully and discards what still arrives. The server closes the connection. */
  end(): void {
    this.#discarding = true
    this.#held = null
    this.#paused = false
    this.#updateFlow()
    if (this.#socket.writable) {
      this.#socket.write(message(tag.done, Buffer.alloc(0)))
      this.#socket.write(message(tag.end, Buffer.alloc(0)))
    }
  }

  readonly #onChunk = (chunk: Buffer): void => {
    this.#lastReadAt = this.#clock.monotonic()
    // TLS emits one record at a time: what is already decrypted is read without a rest.
    if (chunk.length < shortRead && !this.#resting && this.#socket.readableLength === 0) {
      this.#resting = true
      this.#clock.after(restMs, () => {
        this.#resting = false
        this.#updateFlow()
      })
    }
    if (this.#held !== null) {
      this.#held = Buffer.concat([this.#held, chunk])
      return
    }
    const rest = this.#complete(chunk)
    if (rest.length > 0) {
      if (this.#held === null) this.#run(rest)
      else this.#held = Buffer.concat([this.#held, rest])
    }
    this.#updateFlow()
  }

  /** Takes from the chunk what an incomplete message lacks, and returns the rest. */
  #complete(chunk: Buffer): Buffer {
    let rest = chunk
    while (this.#parts.length > 0 && rest.length > 0) {
      const part = rest.subarray(0, this.#needed - this.#partsLength)
      rest = rest.subarray(part.length)
      this.#parts.push(part)
      this.#partsLength += part.length
      if (this.#partsLength < this.#needed) break
      const bytes = Buffer.concat(this.#parts, this.#partsLength)
      this.#parts = []
      // The first five bytes hold the length of the message.
      if (bytes.length < 1 + bytes.readInt32BE(1)) this.#keep(bytes)
      else this.#run(bytes)
    }
    return rest
  }

  #run(bytes: Buffer): void {
    let position = 0
    try {
      while (position + 5 <= bytes.length && !this.#finished) {
        const end = position + 1 + bytes.readInt32BE(position + 1)
        if (end > bytes.length) break
        if (bytes[position] === tag.data) {
          if (!this.#discarding && !this.#onFrame(bytes, position + 5, end)) {
            this.#held = bytes.subarray(position)
            return
          }
        } else {
          this.#onControl(bytes, position, end)
        }
        position = end
      }
    } catch (error) {
      this.#fail(error)
      return
    }
    if (position < bytes.length) this.#keep(bytes.subarray(position))
  }

  #keep(rest: Buffer): void {
    this.#parts = [rest]
    this.#partsLength = rest.length
    this.#needed = rest.length < 5 ? 5 : 1 + rest.readInt32BE(1)
  }

  #onControl(bytes: Buffer, position: number, end: number): void {
    switch (bytes[position]) {
      case tag.copyOut:
      case tag.copyBoth:
        this.#started.resolve()
        return
      case tag.error:
        this.#error = serverError(bytes.subarray(position + 5, end))
        this.#started.reject(this.#error)
        return
      case tag.notice:
        this.onNotice(serverError(bytes.subarray(position + 5, end)))
        return
      case tag.ready:
        this.#finish(this.#error)
        return
      default:
      // ParameterStatus, CopyDone and CommandComplete need no action: ReadyForQuery ends the command.
    }
  }

  #updateFlow(): void {
    if (this.#finished) return
    if (this.#paused || this.#resting || this.#held !== null) this.#socket.pause()
    else this.#socket.resume()
  }

  readonly #onLost = (cause?: unknown): void => {
    this.#finish(this.#error ?? connectionLost(cause))
  }

  /** The handler threw: the frames after it, and the connection, are of no use. */
  #fail(error: unknown): void {
    this.#finish(error instanceof Error ? error : new ConnectError(String(error)))
    this.#socket.destroy()
  }

  #finish(error: Error | null): void {
    if (this.#finished) return
    this.#finished = true
    this.#socket.off('data', this.#onChunk)
    this.#socket.off('error', this.#onLost)
    this.#socket.off('close', this.#onLost)
    for (const listener of this.#savedListeners) this.#socket.on('data', listener as (chunk: Buffer) => void)
    this.#socket.resume()
    if (error === null) {
      this.#started.resolve()
      this.#done.resolve()
    } else {
      this.#started.reject(error)
      this.#done.reject(error)
    }
  }
}

function message(type: number, payload: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(5 + payload.length)
  bytes[0] = type
  bytes.writeInt32BE(4 + payload.length, 1)
  payload.copy(bytes, 5)
  return bytes
}
