import { KafkaClient } from '../../client/kafka-client.ts'
import { UnknownTopicError } from '../../client/errors.ts'
import type { FetchedRecord } from '../../client/consumer/fetched-record.ts'
import type { TopicReader } from '../../client/consumer/topic-reader.ts'
import type { Clock } from '../../foundation/clock.ts'
import type { Logger } from '../../foundation/logging/logger.ts'

/** A change that was read from a topic. */
export interface SeenChange {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** Monotonic milliseconds when it was received. */
  readonly atMs: number
}

interface Expectation {
  readonly matches: (record: FetchedRecord) => boolean
  readonly resolve: (change: SeenChange) => void
}

/** Reads the shop's topics with a Kafka client, counts their records and waits for single ones. */
export class LogWatch {
  readonly #client: KafkaClient
  readonly #clock: Clock
  readonly #readers: TopicReader[] = []
  #expectation: Expectation | null = null
  #count = 0

  private constructor(client: KafkaClient, clock: Clock) {
    this.#client = client
    this.#clock = clock
  }

  static async open(broker: string, clock: Clock, logger: Logger, signal: AbortSignal): Promise<LogWatch> {
    const client = await KafkaClient.connect({
      bootstrapServers: broker,
      clientId: 'penstock-quickstart',
      clock,
      logger,
      signal,
    })
    return new LogWatch(client, clock)
  }

  /** The number of records read. */
  get count(): number {
    return this.#count
  }

  /** Reads a topic from its beginning, waiting for it to exist. */
  async follow(topic: string, signal: AbortSignal): Promise<void> {
    for (;;) {
      const reader = this.#client.topicReader({ topic, onRecord: (record) => this.#see(record) })
      try {
        await reader.start(signal)
        this.#readers.push(reader)
        return
      } catch (error) {
        await reader.close()
        if (!(error instanceof UnknownTopicError)) throw error
        await this.#clock.sleep(20, signal)
      }
    }
  }

  /** Resolves with the next record that matches. Call it before the record can be written. */
  next(matches: (record: FetchedRecord) => boolean): Promise<SeenChange> {
    return new Promise((resolve) => {
      this.#expectation = { matches, resolve }
    })
  }

  async close(): Promise<void> {
    await Promise.all(this.#readers.map((reader) => reader.close()))
    await this.#client.close()
  }

  #see(record: FetchedRecord): void {
    this.#count += 1
    if (this.#expectation?.matches(record) !== true) return
    const { topic, partition, offset } = record
    this.#expectation.resolve({ topic, partition, offset, atMs: this.#clock.monotonic() })
    this.#expectation = null
  }
}
