import { Duplex } from 'node:stream'
import type { Socket } from 'node:net'

import type { ReadTarget } from '../../../src/client/connection/plain-socket.ts'

/** What one end of a connection sends: bytes, that no more will come, or that the connection is over. */
export type Sent =
  | { readonly kind: 'bytes'; readonly bytes: Buffer }
  | { readonly kind: 'end' }
  | { readonly kind: 'reset' }

export interface SocketOptions {
  readonly remoteAddress: string
  /** Takes what the other end is to receive. */
  readonly send: (sent: Sent) => void
  /** Where the bytes are read to; null: they are events. */
  readonly onread: ReadTarget | null
}

/** One end of a connection of the simulated network, with the part of `net.Socket` that client and broker use. */
export class SimulatedSocket extends Duplex {
  readonly remoteAddress: string
  readonly #send: (sent: Sent) => void
  readonly #onread: ReadTarget | null
  #isReset = false
  #hasEnded = false

  constructor({ remoteAddress, send, onread }: SocketOptions) {
    super({ allowHalfOpen: false })
    this.remoteAddress = remoteAddress
    this.#send = send
    this.#onread = onread
    // Without a reader, the end of the stream would never be reported.
    if (onread !== null) this.resume()
  }

  /** For code that takes sockets of `node:net`. */
  get asSocket(): Socket {
    return this as unknown as Socket
  }

  /** Receives what the other end has sent. */
  receive(sent: Sent): void {
    if (this.destroyed || this.#hasEnded) return
    if (sent.kind === 'end') {
      this.#hasEnded = true
      this.push(null)
    } else if (sent.kind === 'reset') {
      this.#isReset = true
      this.destroy(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }))
    } else if (this.#onread === null) this.push(sent.bytes)
    else this.#read(this.#onread, sent.bytes)
  }

  /** The connection is gone, and the other end learns nothing of it. */
  vanish(): void {
    this.#isReset = true
    this.destroy()
  }

  setNoDelay(): this {
    return this
  }

  setKeepAlive(): this {
    return this
  }

  destroySoon(): void {
    this.end(() => this.destroy())
  }

  override _read(): void {
    // Bytes are pushed when they arrive.
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#sendBytes([chunk])
    done()
  }

  override _writev(chunks: readonly { readonly chunk: Buffer }[], done: () => void): void {
    this.#sendBytes(chunks.map(({ chunk }) => chunk))
    done()
  }

  override _final(done: () => void): void {
    this.#send({ kind: 'end' })
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (!this.#isReset) this.#send({ kind: error === null ? 'end' : 'reset' })
    done(error)
  }

  /** The bytes are copied: the writer may use its buffers again. */
  #sendBytes(parts: readonly Buffer[]): void {
    this.#send({ kind: 'bytes', bytes: Buffer.concat(parts) })
  }

  #read(onread: ReadTarget, bytes: Buffer): void {
    for (let at = 0; at < bytes.length && !this.destroyed;) {
      const count = bytes.copy(onread.buffer(), 0, at)
      at += count
      onread.callback(count)
    }
  }
}
