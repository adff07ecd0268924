import kafkajs from 'kafkajs'

import '../broker/kafkajs-queue.ts'
import { registerKafkajsCodecs } from '../broker/kafkajs-codecs.ts'
import { LogView } from '../log/log-view.ts'
import { until } from '../until.ts'
import { ChaosGroup } from './chaos-group.ts'

/** A record as kafkajs reads it. */
export interface ReadRecord {
  readonly offset: number
  readonly key: string | null
  readonly value: string | null
  /** Milliseconds of the epoch. */
  readonly timestamp: number
}

/** Reads the group and its topics with a client that shares no code with the product. */
export class GroupReader {
  readonly #kafka: kafkajs.Kafka
  readonly #bootstrap: string
  #names = 0

  constructor(bootstrap: string) {
    registerKafkajsCodecs()
    this.#bootstrap = bootstrap
    this.#kafka = new kafkajs.Kafka({ brokers: [bootstrap], logLevel: kafkajs.logLevel.NOTHING })
  }

  /** The members of the worker group; null while it rebalances or cannot be asked. */
  async members(): Promise<number | null> {
    try {
      const { groups } = await this.#looking(async ({ admin }) => await admin.describeGroups([ChaosGroup.groupId]))
      const [group] = groups
      return group?.state === 'Stable' ? group.members.length : null
    } catch {
      return null
    }
  }

  /** As {@link LogView.committed}. */
  async committed(sink: string, topic: string): Promise<number> {
    return await this.#looking(async (log) => await log.committed(sink, topic))
  }

  /** As {@link LogView.end}. */
  async end(topic: string): Promise<number> {
    return await this.#looking(async (log) => await log.end(topic))
  }

  /** All records of a topic with one partition. */
  async records(topic: string): Promise<readonly ReadRecord[]> {
    const follower = this.follow(topic)
    try {
      await follower.caughtUp()
      return follower.records
    } finally {
      await follower.close()
    }
  }

  /** Reads a topic with one partition from its beginning on. */
  follow(topic: string): TopicFollower {
    this.#names += 1
    const consumer = this.#kafka.consumer({ groupId: `reader-${process.pid}-${this.#names}`, maxWaitTimeInMs: 100 })
    return new TopicFollower(consumer, topic, async () => await this.end(topic))
  }

  async #looking<T>(look: (log: LogView) => Promise<T>): Promise<T> {
    const log = await LogView.open(this.#bootstrap)
    try {
      return await look(log)
    } finally {
      await log.close()
    }
  }
}

/** What has been read of a topic so far. */
export class TopicFollower {
  readonly records: ReadRecord[] = []
  readonly #consumer: kafkajs.Consumer
  readonly #end: () => Promise<number>
  readonly #running: Promise<void>
  #next = 0

  constructor(consumer: kafkajs.Consumer, topic: string, end: () => Promise<number>) {
    this.#consumer = consumer
    this.#end = end
    this.#running = this.#run(topic)
  }

  /** Resolves when all records were read that are there now. */
  async caughtUp(): Promise<void> {
    await this.#running
    const end = await this.#end()
    await until(`offset ${end} is read`, () => this.#next >= end)
  }

  async close(): Promise<void> {
    await this.#consumer.disconnect()
  }

  async #run(topic: string): Promise<void> {
    await this.#consumer.connect()
    await this.#consumer.subscribe({ topic, fromBeginning: true })
    await this.#consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch }) => {
        for (const { offset, key, value, timestamp } of batch.messages) {
          this.records.push({
            offset: Number(offset),
            key: key?.toString() ?? null,
            value: value?.toString() ?? null,
            timestamp: Number(timestamp),
          })
        }
        this.#next = Number(batch.lastOffset()) + 1
      },
    })
  }
}
