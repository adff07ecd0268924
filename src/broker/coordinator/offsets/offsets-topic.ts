import type { Clock } from '../../../foundation/clock.ts'
import type { Logger } from '../../../foundation/logging/logger.ts'
import { readInt64 } from '../../../protocol/bytes/int64.ts'
import { BatchBuilder } from '../../../protocol/record-batch/batch-builder.ts'
import { batchSizeAt } from '../../../protocol/record-batch/record-batch.ts'
import { RecordReader } from '../../../protocol/record-batch/record-reader.ts'
import { VerifiedBatch } from '../../../protocol/record-batch/verified-batch.ts'
import { verifiedBatch } from '../../../log/batch-check.ts'
import type { PartitionLog } from '../../../log/partition-log.ts'
import { CorruptMetadataError } from '../../broker-error.ts'
import type { CoordinatorRecord } from '../coordinator-records.ts'
import { offsetsTopicName } from '../../topics/topic-name.ts'
import type { Topic, Topics } from '../../topics/topics.ts'

const configs = { 'cleanup.policy': 'compact', 'segment.bytes': '104857600', 'compression.type': 'producer' }
const readBytes = 1024 * 1024

/** A record as it is stored. */
export interface StoredRecord extends CoordinatorRecord {
  readonly partition: number
  readonly offset: number
}

/** The storage of the coordinator's records. */
export interface CoordinatorLog {
  append(group: string, records: readonly CoordinatorRecord[]): Promise<void>
  load(visit: (record: StoredRecord) => void): void
}

/** Stores the state of the coordinator in `__consumer_offsets`, which is created with the first group. A group has one partition. */
export class OffsetsTopic implements CoordinatorLog {
  readonly #topics: Topics
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #partitionCount: number

  constructor(topics: Topics, clock: Clock, logger: Logger, partitionCount: number) {
    this.#topics = topics
    this.#clock = clock
    this.#logger = logger
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
    try {
      await log.append(verifiedBatch(builder.finish()), 'broker')
    } catch (error) {
      this.#topics.writeFailed(error)
      throw error
    }
  }

  /**
   * Calls `visit` for every record; those of one group in their order. Skips batches that cannot be read and records for which
   * `visit` throws, with an error in the logs: one damaged record must not cost all groups their offsets.
   */
  load(visit: (record: StoredRecord) => void): void {
    for (const [partition, log] of (this.#topics.get(offsetsTopicName)?.partitions ?? []).entries()) {
      if (log === null) continue // Never: the broker does not start when one of these is offline.
      const passOver = (offset: number, error: unknown): void => {
        const place = { topic: offsetsTopicName, partition, offset, error: String(error) }
        this.#logger.error('lost a stored offset or group: its record cannot be read', place)
      }
      let damagedAt = -1
      for (let offset = log.logStartOffset; offset < log.highWatermark;) {
        try {
          const result = log.read({ offset, maxBytes: readBytes, isolation: 'read_committed', minOneBatch: true })
          if (result.batches.length === 0) break
          visitBatches(result.batches, { partition, visit, passOver })
          offset = Math.max(result.nextOffset, offset + 1)
        } catch (error) {
          // The start of the next batch is unknown: try every offset.
          if (damagedAt !== offset) passOver(offset, error)
          offset += 1
          damagedAt = offset
        }
      }
    }
  }

  #create(): Promise<Topic> {
    return this.#topics.ensure(offsetsTopicName, this.#partitionCount, configs)
  }
}

interface Visiting {
  readonly partition: number
  readonly visit: (record: StoredRecord) => void
  readonly passOver: (offset: number, error: unknown) => void
}

/** @param batches whole batches, as the log returns them. */
function visitBatches(batches: Buffer, visiting: Visiting): void {
  for (let position = 0; position < batches.length; position += batchSizeAt(batches, position)) {
    const batch = VerifiedBatch.verify(batches, position)
    if (batch instanceof VerifiedBatch) visitBatch(batch, visiting)
    else visiting.passOver(readInt64(batches, position), new CorruptMetadataError(`the batch is damaged: ${batch}`))
  }
}

function visitBatch(batch: VerifiedBatch, { partition, visit, passOver }: Visiting): void {
  if (batch.header.isControl) return
  let offset = batch.header.baseOffset
  try {
    const reader = new RecordReader(batch)
    while (reader.next()) {
      offset = reader.offset
      const key = reader.key()
      if (key === null) continue
      try {
        visit({ key, value: reader.value(), partition, offset })
      } catch (error) {
        passOver(offset, error)
      }
    }
  } catch (error) {
    passOver(offset, error)
  }
}

/** Java's `Utils.abs(group.hashCode()) % count`, where the absolute value of the smallest integer is 0. */
export function partitionOfGroup(group: string, count: number): number {
  let hash = 0
  for (let i = 0; i < group.length; i += 1) hash = (Math.imul(hash, 31) + group.charCodeAt(i)) | 0
  return (hash === -0x8000_0000 ? 0 : Math.abs(hash)) % count
}
