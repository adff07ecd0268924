import type { TopicPartition } from 'penstock/api'
import { VersionKinds } from '../document/document-version.ts'
import { VersionLine } from './version-line.ts'

/**
 * What may be committed of one partition: everything before the first record that is not done (I2). Records under way
 * are numbers in one array, for a slow cluster keeps tens of thousands of them alive.
 */
export class PartitionProgress {
  readonly topic: string
  readonly partition: number
  /** `topic-partition`, for errors. */
  readonly name: string
  /** Topics of one source share it: the topic without its last part. Null where the topic has one part. */
  readonly source: string | null
  readonly versionKinds = new VersionKinds()
  readonly line = new VersionLine()
  /** The time of the latest record that was taken. */
  timestamp = 0
  /** Every record before it was given to the task. */
  delivered = 0
  /** Whether transforms gave its records another topic. */
  routed = false
  /** Whether records of its documents may lie in other partitions too. */
  shared = true
  /** Offsets in rising order; -1 - offset once the record needs nothing more. */
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

  /** Whether all that was taken is done. */
  get idle(): boolean {
    return this.#head === this.#offsets.length
  }

  /** The offset to commit; null until a record is done. */
  get committable(): number | null {
    return this.#committable
  }

  /** Takes a record in; offsets rise. Answers the mark to {@link finish} it with. */
  begin(offset: number): number {
    return this.#firstMark + this.#offsets.push(offset) - 1
  }

  /** A record that needs nothing: done at once, in its place. */
  skip(offset: number): void {
    this.#offsets.push(-1 - offset)
    this.advance()
  }

  /** The record needs nothing more. Counts with the next {@link advance}. */
  finish(mark: number): void {
    const at = mark - this.#firstMark
    const offset = this.#offsets[at]
    if (offset !== undefined && offset >= 0) this.#offsets[at] = -1 - offset
  }

  /** The offset of a record under way. */
  offsetOf(mark: number): number {
    const offset = this.#offsets[mark - this.#firstMark] ?? 0
    return offset < 0 ? -1 - offset : offset
  }

  /** Moves over all that is done; call it after records were finished. */
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
