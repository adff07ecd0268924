import { Kafka, logLevel, type Admin } from 'kafkajs'
import '../broker/kafkajs-queue.ts'

/** Ends of topics and positions of groups, as kafkajs sees them: a Kafka client that is not ours. */
export class LogView {
  readonly #admin: Admin

  private constructor(admin: Admin) {
    this.#admin = admin
  }

  static async open(broker: string): Promise<LogView> {
    const admin = new Kafka({ brokers: [broker], logLevel: logLevel.NOTHING }).admin()
    await admin.connect()
    return new LogView(admin)
  }

  get admin(): Admin {
    return this.#admin
  }

  /** The offset after the last record of a topic of one partition; 0 while there is no such topic. */
  async end(topic: string): Promise<number> {
    if (!(await this.#admin.listTopics()).includes(topic)) return 0
    const [partition] = await this.#admin.fetchTopicOffsets(topic)
    return Number(partition?.high ?? 0)
  }

  /** The offset that a sink has committed for partition 0 of a topic; -1 for none. */
  async committed(connector: string, topic: string): Promise<number> {
    if (!(await this.#admin.listTopics()).includes(topic)) return -1
    const [found] = await this.#admin.fetchOffsets({ groupId: `connect-${connector}`, topics: [topic] })
    return Number(found?.partitions[0]?.offset ?? -1)
  }

  async close(): Promise<void> {
    await this.#admin.disconnect()
  }
}
