import type { TopicPartition } from 'penstock/api'
import { VersionKinds } from '../document/document-version.ts'
import { VersionLine } from './version-line.ts'

/**
 * The progress of one partition: offsets up to the first record that is not done may be committed (I1). Records in progress
 * are numbers in one array, because a slow cluster keeps tens of thousands of them alive.
 */
export class PartitionProgress {
  readonly topic: string
  readonly partition: number
  /** `topic-partition`, for errors. */
  readonly name: string
  /** The topic without its last part, which topics of one source share. Null where the topic has one part. */
  readonly source: string | null
  readonly versionKinds = new VersionKinds()
  readonly line = new VersionLine()
  /** The timestamp of the latest record. */
  timestamp = 0
  /** Every record before this offset was delivered to the task. */
  delivered = 0
  /** The last record that was taken of a batch that is delivered again; -1 before there was one. */
  taken = -1
  /** Whether transforms changed the topic of its records. */
  routed = false
  /** Whether other partitions may have records of the same documents. */
  shared = true
  /** Offsets in rising order; -1 - offset once the record is done. */
  #offsets: number[] = []
  #head = 0
  /** The mark of the first entry of {@link #offsets}. */
  #firstMark = 0
  #committable: number | null = null

  constructor({ topic, partition }: TopicPartition) {
    this.topic = topic
    this.partition = partition
    this.name = `${topic}-${partition}`
    const dot = topic.lastIndexOf('.')
    this.source = dot < 0 ? null : topic.slice(0, dot)
  }

  /** Whether every record is done. */
  get idle(): boolean {
    return this.#head === this.#offsets.length
  }

  /** The offset to commit; null until a record is done. */
  get committable(): number | null {
    return this.#committable
  }

  /** Adds a record; offsets rise. Returns the mark to {@link finish} it with. */
  begin(offset: number): number {
    return this.#firstMark + this.#offsets.push(offset) - 1
  }

  /** Adds a record that needs no operation: it is done. */
  skip(offset: number): void {
    this.#offsets.push(-1 - offset)
    this.advance()
  }

  /** Marks a record as done. It counts with the next {@link advance}. */
  finish(mark: number): void {
    const at = mark - this.#firstMark
    const offset = this.#offsets[at]
    if (offset !== undefined && offset >= 0) this.#offsets[at] = -1 - offset
  }

  /** The offset of a record in progress. */
  offsetOf(mark: number): number {
    const offset = this.#offsets[mark - this.#firstMark] ?? 0
    return offset < 0 ? -1 - offset : offset
  }

  /** Advances past the records that are done. Call it after {@link finish}. */
  advance(): void {
    const offsets = this.#offsets
    let head = this.#head
    for (let offset = offsets[head]; offset !== undefined && offset < 0; offset = offsets[head]) {
      this.#committable = -offset
      head += 1
    }
    this.#head = head
    if (head > 1024 && head * 2 > offsets.length) {
      this.#offsets = offsets.slice(head)
      this.#firstMark += head
      this.#head = 0
    }
  }
}
