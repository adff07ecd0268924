import { formatTopicPartition, type TopicPartition } from '../../src/foundation/topic-partition.ts'
import type { TopicSelection } from '../../src/client/consumer/subscription.ts'
import type { GroupConsumer } from '../../src/client/group/group-consumer.ts'
import { FencedMemberError, UnknownTopicError } from '../../src/client/errors.ts'
import { until } from '../support/until.ts'

/** A consumer that polls all the time, and what happened to it. Commits what it has read before partitions are revoked. */
export class PolledConsumer {
  readonly consumer: GroupConsumer
  /** `+t-0@5` is an assigned partition with its first offset, `-t-0` a revoked one, `!t-0` a lost one; in order within a call. */
  readonly events: string[] = []
  /** Values of the records, in the order of reading. */
  readonly values: string[] = []
  /** The error of a poll, which ends polling. */
  failure: unknown = null
  #isStopped = false
  readonly #polling: Promise<void>

  constructor(consumer: GroupConsumer, selection: TopicSelection) {
    this.consumer = consumer
    consumer.subscribe(selection, {
      onAssigned: (offsets) =>
        void this.events.push(...offsets.map((at) => `+${formatTopicPartition(at)}@${at.offset}`)),
      onRevoked: async (partitions, { lost }) => {
        this.events.push(...partitions.map((at) => (lost ? '!' : '-') + formatTopicPartition(at)))
        if (lost) return
        await this.commit(partitions).catch((error: unknown) => {
          if (!(error instanceof UnknownTopicError)) throw error
        })
      },
    })
    this.#polling = this.#poll()
  }

  /** The names of the partitions that it has. */
  get assignment(): string[] {
    return this.consumer.assignment().map(formatTopicPartition).sort()
  }

  /** The events about a partition, without offsets. */
  eventsOf(partition: TopicPartition): string {
    const name = formatTopicPartition(partition)
    return this.events
      .map((event) => event.replace(/@\d+$/, ''))
      .filter((event) => event.slice(1) === name)
      .map((event) => event.slice(0, 1))
      .join('')
  }

  /** Commits what was read of the partitions. */
  async commit(partitions: readonly TopicPartition[] = this.consumer.assignment()): Promise<void> {
    await this.consumer.commit(
      partitions.map(({ topic, partition }) => ({
        topic,
        partition,
        offset: this.consumer.position({ topic, partition }) ?? 0,
      })),
    )
  }

  async untilHas(count: number): Promise<void> {
    await until(
      () =>
        `${count} partitions; it has ${this.assignment.join()} after ${this.events.join(' ')}; ${String(this.failure)}`,
      () => this.consumer.assignment().length === count,
    )
  }

  async untilRead(value: string): Promise<void> {
    await until(
      () => `value ${value}; ${this.values.length} values came; ${String(this.failure)}`,
      () => this.values.includes(value),
    )
  }

  /** Stops polling, as a process that hangs; the consumer stays a member until its session ends. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.consumer.wake()
    await this.#polling
  }

  /** Commits what it has read, if it may, and leaves the group. */
  async close(): Promise<void> {
    await this.stop()
    if (this.failure === null) await this.commit().catch(this.#allowFenced)
    await this.consumer.close()
  }

  readonly #allowFenced = (error: unknown): void => {
    if (!(error instanceof FencedMemberError)) throw error
  }

  async #poll(): Promise<void> {
    try {
      while (!this.#isStopped)
        for (const { value } of await this.consumer.poll(1000)) this.values.push(value?.toString() ?? '')
    } catch (error) {
      this.failure = error
    }
  }
}
