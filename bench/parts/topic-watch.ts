import { setTimeout as delay } from 'node:timers/promises'
import { Kafka, logLevel, type Admin } from 'kafkajs'
import { BenchError } from './bench-error.ts'

/** Watches a topic's end offset with a Kafka client. */
export class TopicWatch {
  readonly #admin: Admin

  private constructor(admin: Admin) {
    this.#admin = admin
  }

  static async open(broker: string): Promise<TopicWatch> {
    const admin = new Kafka({ brokers: [broker], logLevel: logLevel.NOTHING, retry: { retries: 0 } }).admin()
    await admin.connect()
    return new TopicWatch(admin)
  }

  /** Returns the number of records in all partitions; 0 if the topic does not exist. */
  async end(topic: string): Promise<number> {
    try {
      const partitions = await this.#admin.fetchTopicOffsets(topic)
      return partitions.reduce((sum, partition) => sum + Number(partition.high), 0)
    } catch {
      return 0
    }
  }

  /**
   * Waits for `count` records. Returns when the first and the last were seen, in ms of `performance.now()`, and how many were
   * there when the first was seen.
   */
  async until(
    topic: string,
    count: number,
    timeoutMs: number,
    check: () => Promise<void> = async () => {},
  ): Promise<{ first: number; last: number; firstCount: number }> {
    const deadline = performance.now() + timeoutMs
    let first = Number.NaN
    let firstCount = 0
    for (let polls = 0; performance.now() < deadline; polls++) {
      const end = await this.end(topic)
      const now = performance.now()
      if (end > 0 && Number.isNaN(first)) {
        first = now
        firstCount = end
      }
      if (end >= count) return { first, last: now, firstCount }
      if (polls % 50 === 0) await check()
      await delay(Number.isNaN(first) ? 5 : 20)
    }
    throw new BenchError(`topic ${topic} held ${await this.end(topic)} of ${count} records after ${timeoutMs} ms`)
  }

  /** Deletes a topic. */
  async remove(topic: string): Promise<void> {
    await this.#admin.deleteTopics({ topics: [topic] })
  }

  async close(): Promise<void> {
    await this.#admin.disconnect()
  }
}
