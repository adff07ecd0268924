import {
  ConnectError,
  type OffsetToCommit,
  type SinkRecord,
  type SinkTaskContext,
  type TopicPartition,
} from 'penstock/api'
import { isOffset, type Conflict, type LogView } from './conflict-ledger.ts'
import { PartitionProgress } from './partition-progress.ts'

/** The partitions of a task, by name. */
export class Partitions implements LogView {
  readonly #context: Pick<SinkTaskContext, 'highWatermark' | 'raw' | 'clock'>
  readonly #held = new Map<string, PartitionProgress>()
  /** The partition of the last record: records of one partition come in runs. */
  #last: PartitionProgress | null = null

  constructor(context: Pick<SinkTaskContext, 'highWatermark' | 'raw' | 'clock'>) {
    this.#context = context
  }

  open(partitions: readonly TopicPartition[]): void {
    for (const at of partitions) this.#held.set(nameOf(at), new PartitionProgress(at))
    this.#settle()
  }

  /** Returns those that the task had. */
  close(partitions: readonly TopicPartition[]): readonly PartitionProgress[] {
    const closed: PartitionProgress[] = []
    for (const at of partitions) {
      const progress = this.#held.get(nameOf(at))
      if (progress === undefined) continue
      closed.push(progress)
      this.#held.delete(nameOf(at))
    }
    this.#settle()
    return closed
  }

  /** Returns the partition of a record. @throws ConnectError when the task does not have it. */
  of(record: SinkRecord): PartitionProgress {
    const { originalTopic: topic, originalPartition: partition } = record
    const last = this.#last
    if (last !== null && last.partition === partition && last.topic === topic) return last
    const progress = this.#held.get(nameOf({ topic, partition }))
    if (progress === undefined)
      throw new ConnectError(
        `record ${topic}-${partition}@${record.originalOffset} is from a partition that the task does not have`,
      )
    this.#last = progress
    return progress
  }

  /** These records were taken, and are delivered again because those behind them have to wait. */
  noteTaken(records: readonly SinkRecord[]): void {
    for (const record of records) this.of(record).taken = record.originalOffset
  }

  /** Returns the offsets to commit: at most `current`, and at most those of `held`. */
  committable(
    current: readonly OffsetToCommit[],
    held: ReadonlyMap<PartitionProgress, number> | null,
    beforeCommit: (progress: PartitionProgress, offset: number) => void,
  ): readonly OffsetToCommit[] {
    const offsets: OffsetToCommit[] = []
    for (const { topic, partition, offset } of current) {
      const progress = this.#held.get(nameOf({ topic, partition }))
      if (progress === undefined) continue
      // Records that a transform dropped and transaction markers may follow the last record.
      const done = progress.idle ? offset : progress.committable
      if (done === null) continue
      const until = Math.min(done, offset, held?.get(progress) ?? Number.POSITIVE_INFINITY)
      beforeCommit(progress, until)
      offsets.push({ topic, partition, offset: until })
    }
    return offsets
  }

  /** Every record before these offsets was delivered to the task. */
  noteDelivered(current: readonly OffsetToCommit[]): void {
    for (const at of current) {
      const progress = this.#held.get(nameOf(at))
      if (progress !== undefined) progress.delivered = at.offset
    }
  }

  now(): number {
    return this.#context.clock.monotonic()
  }

  end(progress: PartitionProgress): number | null {
    return this.#context.highWatermark(progress)
  }

  passed(progress: PartitionProgress, offset: number): boolean {
    return (progress.committable ?? 0) >= offset || (progress.idle && progress.delivered >= offset)
  }

  reached(conflict: Conflict): boolean {
    const { progress, offset, stored } = conflict
    if (isOffset(conflict) || !progress.shared) return false
    const later = progress.line.highestAfter(offset)
    if (later !== null && later >= stored) return true
    for (const other of this.#held.values()) {
      if (other === progress || !isOfOneSource(other, progress)) continue
      const { highest } = other.line
      if (highest !== null && highest >= stored) return true
    }
    return false
  }

  /** A document's records are all in one partition only if the topic has one, and no other task can have a part of it. */
  #settle(): void {
    this.#last = null
    const counts = new Map<string, number>()
    for (const { topic } of this.#held.values()) counts.set(topic, (counts.get(topic) ?? 0) + 1)
    const tasks = Number(this.#context.raw['tasks.max'] ?? 1)
    for (const progress of this.#held.values())
      progress.shared = progress.routed || tasks > 1 || (counts.get(progress.topic) ?? 0) > 1
  }
}

/** Topics without a dot (another topic.delimiter) count as those of one source when they are routed into an index. */
function isOfOneSource(one: PartitionProgress, other: PartitionProgress): boolean {
  if (one.source === null || other.source === null)
    return one.topic === other.topic || (one.source === other.source && one.routed && other.routed)
  return one.source === other.source
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`
}
