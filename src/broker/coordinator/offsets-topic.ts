import type { Clock } from '../../foundation/clock.ts'
import { BatchBuilder } from '../../protocol/batch-builder.ts'
import { forEachBatch } from '../../protocol/record-batch.ts'
import { RecordReader } from '../../protocol/record-reader.ts'
import type { PartitionLog } from '../../log/partition-log.ts'
import type { Topic, Topics } from '../topics.ts'

/** The topic of committed offsets and groups. */
export const offsetsTopicName = '__consumer_offsets'

const configs = { 'cleanup.policy': 'compact', 'segment.bytes': '104857600', 'compression.type': 'producer' }
const readBytes = 1024 * 1024

/** A record to be written; a null value deletes. */
export interface CoordinatorRecord {
  readonly key: Buffer
  readonly value: Buffer | null
}

/** Where the coordinator keeps its state: one partition per group, which is made when the first group needs it. */
export class OffsetsTopic {
  readonly #topics: Topics
  readonly #clock: Clock
  readonly #partitionCount: number

  constructor(topics: Topics, clock: Clock, partitionCount: number) {
    this.#topics = topics
    this.#clock = clock
    this.#partitionCount = partitionCount
  }

  /** Writes records of one group as one batch; durable on return. @throws LogError, TopicError */
  async append(group: string, records: readonly CoordinatorRecord[]): Promise<void> {
    if (records.length === 0) return
    const topic = this.#topics.get(offsetsTopicName) ?? (await this.#create())
    const builder = new BatchBuilder()
    const nowMs = this.#clock.now()
    for (const { key, value } of records) builder.append(key, value, [], nowMs)
    const log = topic.partitions[partitionOfGroup(group, topic.partitions.length)] as PartitionLog
    await log.append(builder.finish(), 'broker')
  }

  /** Hands every record to `visit`, those of one group in their order. */
  load(visit: (key: Buffer, value: Buffer | null) => void): void {
    for (const log of this.#topics.get(offsetsTopicName)?.partitions ?? []) {
      for (let offset = log.logStartOffset; ;) {
        const answer = log.read({ offset, maxBytes: readBytes, isolation: 'read_committed', minOneBatch: true })
        if (answer.batches.length === 0) break
        forEachBatch(answer.batches, (header, position) => {
          if (header.isControl) return
          const reader = new RecordReader(answer.batches, position)
          while (reader.next()) {
            const key = reader.key()
            if (key !== null) visit(key, reader.value())
          }
        })
        offset = answer.nextOffset
      }
    }
  }

  #create(): Promise<Topic> {
    return this.#topics.ensure(offsetsTopicName, this.#partitionCount, configs)
  }
}

/** Java's `Utils.abs(group.hashCode()) % count`, where the absolute value of the smallest integer is 0. */
export function partitionOfGroup(group: string, count: number): number {
  let hash = 0
  for (let i = 0; i < group.length; i += 1) hash = (Math.imul(hash, 31) + group.charCodeAt(i)) | 0
  return (hash === -0x8000_0000 ? 0 : Math.abs(hash)) % count
}
