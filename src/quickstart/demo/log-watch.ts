import { KafkaClient } from '../../client/kafka-client.ts'
import { UnknownTopicError } from '../../client/errors.ts'
import type { FetchedRecord } from '../../client/consumer/fetched-record.ts'
import type { TopicReader } from '../../client/consumer/topic-reader.ts'
import type { Clock } from '../../foundation/clock.ts'
import type { Logger } from '../../foundation/logging/logger.ts'

/** A change that was seen in the log. */
export interface SeenChange {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** When it was handed to us, on the monotonic clock. */
  readonly atMs: number
}

interface Expectation {
  readonly matches: (record: FetchedRecord) => boolean
  readonly resolve: (change: SeenChange) => void
}

/** Reads the shop's topics as any Kafka client does, counts their records and waits for single ones. */
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

  /** Records seen so far. */
  get count(): number {
    return this.#count
  }

  /** Follows a topic from its beginning; it may not exist yet. */
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

  /** The next record that matches. Call before it can be written. */
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
