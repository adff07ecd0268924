import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { ByteReader } from '../../src/protocol/byte-reader.ts'
import { decodeResponseFrame, encodeResponseFrame, FrameSplitter, readRequestHeader } from '../../src/protocol/frame.ts'
import { findCoordinator } from '../../src/protocol/messages/find-coordinator.ts'
import { metadata } from '../../src/protocol/messages/metadata.ts'

/** What to do with an answer of the broker. `drop`: the connection ends instead, though the broker has done its work. */
export type AnswerFault = 'pass' | 'drop'

interface Link {
  readonly client: Socket
  readonly broker: Socket
}

/**
 * A broker's stand-in on another port. It passes everything on, but says of brokers that they are to be found here, so that
 * clients stay with it; and it breaks what a test tells it to.
 */
export class KafkaFaultProxy {
  /** Decides over each answer, by the key of its API. */
  onAnswer: (apiKey: number) => AnswerFault = () => 'pass'
  readonly #target: { readonly host: string; readonly port: number }
  readonly #links = new Set<Link>()
  readonly #server: Server
  #isDown = false

  private constructor(target: string) {
    const [host = '', port = ''] = target.split(':')
    this.#target = { host, port: Number(port) }
    this.#server = createServer((client) => this.#link(client))
  }

  static async open(target: string): Promise<KafkaFaultProxy> {
    const proxy = new KafkaFaultProxy(target)
    const { promise, resolve } = Promise.withResolvers<void>()
    proxy.#server.listen(0, '127.0.0.1', resolve)
    await promise
    return proxy
  }

  get bootstrapServers(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Connections that are open. */
  get connections(): number {
    return this.#links.size
  }

  /** Ends every connection; later ones go through, unless the broker is taken down. */
  cut(): void {
    for (const { client, broker } of this.#links) {
      client.destroy()
      broker.destroy()
    }
  }

  /** Refuses connections until `up`. */
  down(): void {
    this.#isDown = true
    this.cut()
  }

  up(): void {
    this.#isDown = false
  }

  async close(): Promise<void> {
    this.cut()
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#server.close(() => resolve())
    await promise
  }

  #link(client: Socket): void {
    if (this.#isDown) {
      client.destroy()
      return
    }
    const broker = connect({ ...this.#target, noDelay: true })
    client.setNoDelay(true)
    const link = { client, broker }
    this.#links.add(link)
    const end = (): void => {
      this.#links.delete(link)
      client.destroy()
      broker.destroy()
    }
    for (const socket of [client, broker]) {
      socket.on('close', end)
      socket.on('error', end)
    }
    const asked = new Map<number, { readonly apiKey: number; readonly apiVersion: number }>()
    const requests = new FrameSplitter()
    const answers = new FrameSplitter()
    client.on('data', (chunk: Buffer) => {
      for (const frame of requests.push(chunk)) {
        const header = readRequestHeader(new ByteReader(frame))
        asked.set(header.correlationId, header)
        broker.write(withLength(frame))
      }
    })
    broker.on('data', (chunk: Buffer) => {
      for (const frame of answers.push(chunk)) {
        const request = asked.get(frame.readInt32BE(0))
        asked.delete(frame.readInt32BE(0))
        if (request !== undefined && this.onAnswer(request.apiKey) === 'drop') return end()
        client.write(request === undefined ? withLength(frame) : this.#rewritten(frame, request))
      }
    })
  }

  /** Answers that name brokers name this proxy instead. */
  #rewritten(frame: Buffer, { apiKey, apiVersion }: { readonly apiKey: number; readonly apiVersion: number }): Buffer {
    const here = { host: '127.0.0.1', port: (this.#server.address() as AddressInfo).port }
    if (apiKey === metadata.key) {
      const { correlationId, body } = decodeResponseFrame(metadata, apiVersion, frame)
      const brokers = body.brokers.map((broker) => Object.assign(broker, here))
      return Buffer.concat(encodeResponseFrame(metadata, apiVersion, correlationId, { ...body, brokers }))
    }
    if (apiKey === findCoordinator.key) {
      const { correlationId, body } = decodeResponseFrame(findCoordinator, apiVersion, frame)
      const coordinators = body.coordinators.map((coordinator) => Object.assign(coordinator, here))
      const answer = { ...body, ...here, coordinators }
      return Buffer.concat(encodeResponseFrame(findCoordinator, apiVersion, correlationId, answer))
    }
    return withLength(frame)
  }
}

function withLength(frame: Buffer): Buffer {
  const length = Buffer.allocUnsafe(4)
  length.writeInt32BE(frame.length, 0)
  return Buffer.concat([length, frame])
}
