import { connect, type Socket } from 'node:net'

import type { Clock } from '../../foundation/clock.ts'
import { FrameSplitter } from '../../protocol/frame-splitter.ts'
import { formatAddress, isSocketPath, type BrokerAddress } from './bootstrap-servers.ts'
import { ConnectionError } from '../errors.ts'

/** The read buffer of all connections of a thread. Frames are cut from it before the next read. */
const sharedBuffer = Buffer.allocUnsafeSlow(64 * 1024)

/** Cuts the bytes of a connection into frames. */
export class ResponseFrames {
  readonly #splitter: FrameSplitter
  readonly #onRead: (cut: () => Buffer[]) => void

  /** @param onRead takes the frames that the bytes just read complete; `cut` throws a ProtocolError when they are malformed. */
  constructor(maxBytes: number, onRead: (cut: () => Buffer[]) => void) {
    this.#splitter = new FrameSplitter(maxBytes)
    this.#onRead = onRead
  }

  /** Returns the buffer for the next read. */
  destination(): Buffer {
    return this.#splitter.destination(sharedBuffer)
  }

  /** Processes `count` bytes in the last destination. */
  received(count: number): void {
    this.#onRead(() => this.#splitter.received(sharedBuffer, count))
  }

  /** Processes bytes in a buffer of their own. */
  push(chunk: Buffer): void {
    this.#onRead(() => this.#splitter.push(chunk))
  }
}

/** Takes the bytes that a socket reads: the `onread` option of `net.connect`. */
export interface ReadTarget {
  readonly buffer: () => Buffer
  /** Receives how many bytes are in the buffer. */
  readonly callback: (count: number) => boolean
}

/** Begins to connect to a broker. The socket reads into `onread`. */
export type Dial = (address: BrokerAddress, onread: ReadTarget) => Socket

/** How to connect. */
export interface DialOptions {
  readonly address: BrokerAddress
  readonly clock: Clock
  readonly connectTimeoutMs: number
  /** The network of connections without TLS and SASL; that of the machine by default. */
  readonly dial?: Dial | undefined
}

const dialSystem: Dial = (address, onread) => {
  const { host, port } = address
  return isSocketPath(address) ? connect({ path: host, onread }) : connect({ host, port, noDelay: true, onread })
}

/** Connects without TLS and reads into `frames`. @throws ConnectionError, or the signal's reason. */
export async function openPlainSocket(
  options: DialOptions,
  frames: ResponseFrames,
  signal: AbortSignal | undefined,
): Promise<Socket> {
  const { address, clock } = options
  const onread = {
    buffer: () => frames.destination(),
    callback: (count: number): boolean => {
      frames.received(count)
      return true
    },
  }
  const socket = (options.dial ?? dialSystem)(address, onread)
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const fail = (reason: string, cause?: unknown): void =>
    reject(new ConnectionError(`cannot connect to ${formatAddress(address)}: ${reason}`, cause))
  const cancel = clock.after(options.connectTimeoutMs, () => fail(`no response within ${options.connectTimeoutMs} ms`))
  const onError = (error: Error): void => fail(error.message, error)
  const onAbort = (): void => reject(signal?.reason)
  socket.once('connect', resolve)
  socket.once('error', onError)
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    await promise
    socket.removeListener('error', onError)
    return socket
  } catch (error) {
    socket.destroy()
    throw error
  } finally {
    cancel()
    signal?.removeEventListener('abort', onAbort)
  }
}
