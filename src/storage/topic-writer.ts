import { errorMessage } from '../foundation/error-message.ts'
import { ConnectError } from '../api/errors.ts'
import { deferred, type Deferred } from '../foundation/async/deferred.ts'
import type { OutgoingRecord } from '../client/producer/outgoing-record.ts'
import type { KafkaClient } from '../client/kafka-client.ts'
import type { Producer, ProducerListener, ProducerOptions } from '../client/producer/producer.ts'
import { troubleConditions, type ConditionSetter } from '../client/log-trouble.ts'

/** A record of a topic that keeps state: key and value are text, a null value removes the key. */
export interface StateRecord {
  readonly key: string | Uint8Array
  readonly value: string | null
  readonly headers?: OutgoingRecord['headers']
}

interface Write {
  left: number
  readonly done: Deferred<void>
}

function bytesOf(text: string | Uint8Array): Uint8Array {
  return typeof text === 'string' ? Buffer.from(text, 'utf8') : text
}

/** What limits the writes of a {@link TopicWriter}. */
export type WriteLimits = Pick<ProducerOptions, 'mayWrite' | 'deliveryTimeoutMs'>

/** Writes state to topics, and resolves when it is durable. */
export class TopicWriter {
  readonly #createProducer: () => Producer
  readonly #writes = new Map<number, Write>()
  #producer: Producer
  #nextToken = 0

  /** @param setCondition receives why records cannot be written while they are retried, and when they can again */
  constructor(client: KafkaClient, setCondition: ConditionSetter = () => undefined, limits: WriteLimits = {}) {
    const listener: ProducerListener = {
      onAcknowledged: (tokens) => tokens.forEach((token) => this.#settle(token, null)),
      onFailed: (error, tokens) => tokens.forEach((token) => this.#settle(token, error)),
      onTrouble: troubleConditions(setCondition),
    }
    this.#createProducer = () => client.producer(listener, { ...limits, allowAutoTopicCreation: false })
    this.#producer = this.#createProducer()
  }

  /**
   * Writes records in order; resolves when all of them are durable.
   * @throws ConnectError with the first failure; other records of the call may have been written
   */
  async write(topic: string, records: readonly StateRecord[]): Promise<void> {
    if (records.length === 0) return
    const token = this.#nextToken
    this.#nextToken += 1
    const write = { left: records.length, done: deferred<void>() }
    this.#writes.set(token, write)
    for (const { key, value, headers = [] } of records) {
      const outgoing = {
        topic,
        partition: null,
        key: bytesOf(key),
        value: value === null ? null : bytesOf(value),
        headers,
        timestamp: null,
      }
      try {
        this.#producer.append(outgoing, token)
      } catch (error) {
        this.#settle(token, error)
      }
    }
    return write.done.promise
  }

  /** Gives up the writes that are not durable: none of them is sent again. One that was sent may be written nevertheless. */
  async abandon(reason: string): Promise<void> {
    if (this.#writes.size === 0) return
    const abandoned = this.#producer
    this.#producer = this.#createProducer()
    for (const { done } of this.#writes.values()) done.reject(new ConnectError(`a write was abandoned: ${reason}`))
    this.#writes.clear()
    await abandoned.close(AbortSignal.abort())
  }

  /** Flushes until the signal fires; remaining writes fail then. */
  async close(signal?: AbortSignal): Promise<void> {
    await this.#producer.close(signal)
  }

  #settle(token: number, error: unknown): void {
    const write = this.#writes.get(token)
    if (write === undefined) return
    write.left -= 1
    if (error !== null) write.done.reject(new ConnectError(`a write failed: ${errorMessage(error)}`, { cause: error }))
    if (write.left === 0) {
      write.done.resolve()
      this.#writes.delete(token)
    }
  }
}
