import { connect, type Socket } from 'node:net'
import { deferred, type Deferred } from '../../../src/foundation/async/deferred.ts'
import { decodeResponseFrame, encodeRequestFrame } from '../../../src/protocol/frame.ts'
import { FrameSplitter } from '../../../src/protocol/frame-splitter.ts'
import type { Api, RequestValue, ResponseOf } from '../../../src/protocol/schema.ts'

/** Speaks the protocol over one connection, message by message: for tests that look at single responses. */
export class RawKafkaClient {
  readonly socket: Socket
  readonly clientId: string
  /** Resolves when the connection is closed, by whichever side. */
  readonly closed: Promise<void>
  readonly #splitter = new FrameSplitter()
  readonly #waiting: Deferred<Buffer>[] = []
  #correlationId = 0

  private constructor(socket: Socket, clientId: string) {
    this.socket = socket
    this.clientId = clientId
    const closed = deferred<void>()
    this.closed = closed.promise
    socket.on('data', (chunk: Buffer) => {
      for (const frame of this.#splitter.push(chunk)) this.#waiting.shift()?.resolve(frame)
    })
    socket.on('error', () => undefined) // 'close' follows.
    socket.on('close', () => {
      for (const waiter of this.#waiting.splice(0)) waiter.reject(new RangeError('the connection was closed'))
      closed.resolve()
    })
  }

  static async connect(
    address: { readonly host: string; readonly port: number } | { readonly path: string },
    clientId = 'raw',
  ): Promise<RawKafkaClient> {
    const socket = connect(address)
    const client = new RawKafkaClient(socket, clientId)
    const ready = deferred<void>()
    socket.once('connect', () => ready.resolve())
    socket.once('error', (error) => ready.reject(error))
    await ready.promise
    return client
  }

  /** Sends a request and resolves with its answer. */
  async call<A extends Api>(api: A, version: number, value: RequestValue<A>): Promise<ResponseOf<A>> {
    const frame = this.#expect()
    const correlationId = this.send(api, version, value)
    const answer = decodeResponseFrame(api, version, await frame)
    if (answer.correlationId !== correlationId)
      throw new RangeError(`answer ${answer.correlationId} came for request ${correlationId}`)
    return answer.body
  }

  /** Sends a request that has no answer, or whose answer is read with {@link next}. */
  send<A extends Api>(api: A, version: number, value: RequestValue<A>): number {
    this.#correlationId += 1
    const header = { apiVersion: version, correlationId: this.#correlationId, clientId: this.clientId }
    this.socket.write(Buffer.concat(encodeRequestFrame(api, header, value)))
    return this.#correlationId
  }

  /** Sends bytes as they are. */
  sendBytes(bytes: Buffer): void {
    this.socket.write(bytes)
  }

  /** The next frame that no one waits for, without its length. */
  next(): Promise<Buffer> {
    return this.#expect()
  }

  async close(): Promise<void> {
    this.socket.destroy()
    await this.closed
  }

  #expect(): Promise<Buffer> {
    const waiter = deferred<Buffer>()
    if (this.socket.destroyed) waiter.reject(new RangeError('the connection is closed'))
    else this.#waiting.push(waiter)
    return waiter.promise
  }
}
