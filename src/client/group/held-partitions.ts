import { formatTopicPartition, type TopicPartition } from '../../foundation/topic-partition.ts'
import type { Fetcher } from '../consumer/fetcher.ts'
import type { ResetPolicy } from '../consumer/out-of-range.ts'
import type { PositionReset } from '../consumer/position-reset.ts'
import type { ConsumerListener, Revocation } from './consumer-listener.ts'
import type { GroupOffset } from './group-offsets.ts'

/** The partitions between `onAssigned` and `onRevoked`: calls the listener, and keeps the fetcher in step with it. */
export class HeldPartitions {
  listener: ConsumerListener | null = null
  readonly #fetcher: Fetcher
  readonly #resetTo: ResetPolicy | null
  readonly #held = new Map<string, TopicPartition>()
  /** Topics that were created again while they were read, and whose partitions are to be revoked. */
  readonly #recreated = new Set<string>()
  readonly #readIds = new Map<string, string>()

  /** @param resetTo where `auto.offset.reset` starts to read a topic that was created again; null if it is not read. */
  constructor(fetcher: Fetcher, resetTo: ResetPolicy | null) {
    this.#fetcher = fetcher
    this.#resetTo = resetTo
  }

  get partitions(): readonly TopicPartition[] {
    return [...this.#held.values()]
  }

  /** The ids that topics had when they were read last. */
  get readIds(): ReadonlyMap<string, string> {
    return this.#readIds
  }

  has(partition: TopicPartition): boolean {
    return this.#held.has(formatTopicPartition(partition))
  }

  hasAll(partitions: readonly TopicPartition[]): boolean {
    return partitions.every((partition) => this.has(partition))
  }

  /** Returns the partitions that are not in `kept`. */
  except(kept: readonly TopicPartition[]): TopicPartition[] {
    const names = new Set(kept.map(formatTopicPartition))
    return this.partitions.filter((partition) => !names.has(formatTopicPartition(partition)))
  }

  /** The topic was created again: its partitions are no longer read, and are revoked before the next join. */
  recreated(topic: string): void {
    this.#recreated.add(topic)
    for (const partition of this.partitions) if (partition.topic === topic) this.#fetcher.pause(partition)
  }

  /** Partitions that a join has started are read from now on. If `onAssigned` throws, they are dropped. */
  async assign(offsets: readonly GroupOffset[]): Promise<void> {
    for (const { topic, partition } of offsets) {
      this.#held.set(formatTopicPartition({ topic, partition }), { topic, partition })
      this.#fetcher.resume({ topic, partition })
    }
    try {
      await this.listener?.onAssigned(offsets)
    } catch (error) {
      this.#drop(offsets)
      throw error
    }
  }

  /** Revokes partitions, also if `onRevoked` throws: then with its error. */
  async revoke(partitions: readonly TopicPartition[], revocation: Revocation): Promise<void> {
    try {
      await this.#reportRecreated(partitions)
      if (partitions.length > 0) await this.listener?.onRevoked(partitions, revocation)
    } finally {
      this.#drop(partitions)
    }
  }

  /** Revokes all partitions. What a join has started to read is dropped. */
  async revokeAll(revocation: Revocation): Promise<void> {
    try {
      await this.revoke(this.partitions, revocation)
    } finally {
      this.#recreated.clear()
      this.#drop(this.#fetcher.partitions())
    }
  }

  /** Revokes the partitions of topics that were created again or that `isEnded`. What a failed join has started is dropped. */
  async revokeEnded(isEnded: (topic: string) => boolean, revocation: Revocation): Promise<void> {
    const ended = this.partitions.filter(({ topic }) => this.#recreated.has(topic) || isEnded(topic))
    try {
      await this.revoke(ended, revocation)
    } finally {
      this.#recreated.clear()
      this.#drop(this.#fetcher.partitions().filter((partition) => !this.has(partition)))
    }
  }

  async report(resets: readonly PositionReset[]): Promise<void> {
    for (const reset of resets) await this.listener?.onReset?.(reset)
  }

  async #reportRecreated(partitions: readonly TopicPartition[]): Promise<void> {
    const policy = this.#resetTo
    if (policy === null) return
    for (const { topic, partition } of partitions) {
      if (!this.#recreated.has(topic)) continue
      const from = this.#fetcher.position({ topic, partition }) ?? 0
      await this.report([{ topic, partition, reason: 'recreated', policy, from, to: null, logStartOffset: null }])
    }
  }

  #drop(partitions: readonly TopicPartition[]): void {
    for (const { topic, partition } of partitions) {
      const id = this.#fetcher.topicId(topic)
      if (this.#held.delete(formatTopicPartition({ topic, partition })) && id !== null) this.#readIds.set(topic, id)
      this.#fetcher.remove({ topic, partition })
    }
  }
}
