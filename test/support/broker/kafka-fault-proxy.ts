import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { ByteReader } from '../../../src/protocol/bytes/byte-reader.ts'
import { decodeRequest, isFlexible } from '../../../src/protocol/codec.ts'
import {
  decodeResponseFrame,
  encodeResponseFrame,
  readRequestHeader,
  skipTaggedFields,
  type RequestHeader,
} from '../../../src/protocol/frame.ts'
import { FrameSplitter } from '../../../src/protocol/frame-splitter.ts'
import { fetch } from '../../../src/protocol/messages/fetch.ts'
import { findCoordinator } from '../../../src/protocol/messages/find-coordinator.ts'
import { metadata } from '../../../src/protocol/messages/metadata.ts'
import { produce } from '../../../src/protocol/messages/produce.ts'

/**
 * What to do with an answer of the broker. `drop`: the connection ends instead, though the broker has done its work.
 * `swallow`: the client continues waiting for it, and for all responses behind it.
 */
export type AnswerFault = 'pass' | 'drop' | 'swallow'

interface Slot {
  readonly header: RequestHeader
  answer: Buffer | null
}

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
  /** The error code with which Produce and Fetch requests get a response for all their partitions, instead of being passed on. */
  onRequest: (apiKey: number) => number | null = () => null
  readonly #target: { readonly host: string; readonly port: number }
  readonly #links = new Set<Link>()
  readonly #server: Server
  #isDown = false
  #isHeld = false

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

  /** Passes no answer on until `release`. */
  hold(): void {
    this.#isHeld = true
    for (const { broker } of this.#links) broker.pause()
  }

  release(): void {
    this.#isHeld = false
    for (const { broker } of this.#links) broker.resume()
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
    if (this.#isHeld) broker.pause()
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
    // Brokers respond in order: a refusal waits for the responses before it.
    const slots: Slot[] = []
    const flush = (): void => {
      for (let slot = slots[0]; slot?.answer !== undefined && slot.answer !== null; slot = slots[0]) {
        client.write(slot.answer)
        slots.shift()
      }
    }
    const requests = new FrameSplitter()
    const answers = new FrameSplitter()
    client.on('data', (chunk: Buffer) => {
      for (const frame of requests.push(chunk)) {
        const reader = new ByteReader(frame)
        const header = readRequestHeader(reader)
        const code = this.onRequest(header.apiKey)
        const refusal = code === null ? null : refused(reader, header, code)
        slots.push({ header, answer: refusal })
        if (refusal === null) broker.write(withLength(frame))
        else flush()
      }
    })
    broker.on('data', (chunk: Buffer) => {
      for (const frame of answers.push(chunk)) {
        const slot = slots.find(({ header }) => header.correlationId === frame.readInt32BE(0))
        const fault = slot === undefined ? 'drop' : this.onAnswer(slot.header.apiKey)
        if (slot === undefined || fault === 'drop') return end()
        if (fault === 'swallow') continue
        slot.answer = this.#rewritten(frame, slot.header)
      }
      flush()
    })
  }

  /** Responses that name brokers name this proxy instead. */
  #rewritten(frame: Buffer, { apiKey, apiVersion }: RequestHeader): Buffer {
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

/** The answer of a broker that refuses every partition of a request; null for requests that have none. */
function refused(reader: ByteReader, header: RequestHeader, errorCode: number): Buffer | null {
  const { apiKey, apiVersion, correlationId } = header
  const noOffsets = { baseOffset: -1, highWatermark: -1, lastStableOffset: -1 }
  if (apiKey === produce.key) {
    if (isFlexible(produce, apiVersion)) skipTaggedFields(reader)
    const { topicData } = decodeRequest(produce, apiVersion, reader)
    const responses = topicData.map(({ name, partitionData }) => ({
      name,
      partitionResponses: partitionData.map(({ index }) => ({ index, errorCode, ...noOffsets, recordErrors: [] })),
    }))
    return Buffer.concat(encodeResponseFrame(produce, apiVersion, correlationId, { responses }))
  }
  if (apiKey === fetch.key) {
    if (isFlexible(fetch, apiVersion)) skipTaggedFields(reader)
    const { topics } = decodeRequest(fetch, apiVersion, reader)
    const responses = topics.map(({ topic, topicId, partitions }) => ({
      topic,
      topicId,
      partitions: partitions.map(({ partition: partitionIndex }) => {
        return { partitionIndex, errorCode, ...noOffsets, abortedTransactions: null, records: Buffer.alloc(0) }
      }),
    }))
    return Buffer.concat(encodeResponseFrame(fetch, apiVersion, correlationId, { errorCode: 0, responses }))
  }
  return null
}
