import { assert } from '../../../foundation/assert.ts'
import type { SourceOffset, SourcePartition } from '../../../api/record.ts'
import type { CommittedSourceOffset } from '../../../api/task.ts'

const initialCapacity = 1024

/**
 * The records of one source task that are in flight to the broker, in the order of their submission. A token is a
 * record's sequence number. An offset becomes committable when its record and all records before it are acknowledged
 * (I2), whatever the order of the acknowledgements.
 *
 * A ring of parallel arrays, which grows with the number of records in flight.
 */
export class SubmittedRecords {
  #partitions: (SourcePartition | undefined)[] = new Array(initialCapacity)
  #offsets: (SourceOffset | undefined)[] = new Array(initialCapacity)
  #acknowledged = new Uint8Array(initialCapacity)
  /** Tokens: all below `#head` are acknowledged; `#next` is the next one. */
  #head = 0
  #next = 0
  /** The last token, if the next record's offset replaces its own; else -1. */
  #coalescible = -1
  /** The newest offset per partition object below the watermark, oldest change first. */
  readonly #committable = new Map<SourcePartition, SourceOffset>()

  /** Records that are submitted and above the watermark. */
  get inFlight(): number {
    return this.#next - this.#head
  }

  get hasCommittable(): boolean {
    return this.#committable.size > 0
  }

  /**
   * Adds a record; returns its token.
   * @param coalesceOffset whether the offset of the next record, if of the same partition, replaces this one
   */
  submit(partition: SourcePartition, offset: SourceOffset, coalesceOffset = false): number {
    this.#coalesce(partition)
    if (this.inFlight === this.#acknowledged.length) this.#grow()
    const token = this.#next
    const slot = token % this.#acknowledged.length
    this.#partitions[slot] = partition
    this.#offsets[slot] = offset
    this.#acknowledged[slot] = 0
    if (coalesceOffset) this.#coalescible = token
    this.#next += 1
    return token
  }

  /** Returns the source offset of a record in flight; null if a later one replaced it, or if the token is not in flight. */
  offsetOf(token: number): SourceOffset | null {
    if (token < this.#head || token >= this.#next) return null
    return this.#offsets[token % this.#acknowledged.length] ?? null
  }

  /**
   * The record is durable, or was dropped by a transform. Returns whether the watermark moved.
   * @throws AssertionError for a token that is not in flight
   */
  acknowledge(token: number): boolean {
    assert(token >= this.#head && token < this.#next, `token ${token} is not in flight`)
    const capacity = this.#acknowledged.length
    this.#acknowledged[token % capacity] = 1
    if (token !== this.#head) return false
    this.#advance()
    return true
  }

  /**
   * Returns the offsets below the watermark that were not taken before: the newest per source partition.
   * Partitions are equal if their JSON is.
   */
  takeCommittable(): readonly CommittedSourceOffset[] {
    if (this.#committable.size === 0) return []
    const byText = new Map<string, CommittedSourceOffset>()
    for (const [partition, offset] of this.#committable) byText.set(JSON.stringify(partition), { partition, offset })
    this.#committable.clear()
    return [...byText.values()]
  }

  #coalesce(partition: SourcePartition): void {
    const token = this.#coalescible
    this.#coalescible = -1
    if (token < this.#head) return
    const slot = token % this.#acknowledged.length
    if (this.#partitions[slot] === partition) this.#offsets[slot] = undefined
  }

  #advance(): void {
    const capacity = this.#acknowledged.length
    let partition: SourcePartition | undefined
    let offset: SourceOffset | undefined
    while (this.#head < this.#next) {
      const slot = this.#head % capacity
      if (this.#acknowledged[slot] !== 1) break
      if (this.#partitions[slot] !== partition) {
        this.#remember(partition, offset)
        partition = this.#partitions[slot]
        offset = undefined
      }
      offset = this.#offsets[slot] ?? offset
      this.#partitions[slot] = undefined
      this.#offsets[slot] = undefined
      this.#head += 1
    }
    this.#remember(partition, offset)
  }

  /** Deletes first, so that the map is in the order of the latest change, which decides between equal partitions. */
  #remember(partition: SourcePartition | undefined, offset: SourceOffset | undefined): void {
    if (partition === undefined || offset === undefined) return
    this.#committable.delete(partition)
    this.#committable.set(partition, offset)
  }

  #grow(): void {
    const from = this.#acknowledged.length
    const to = from * 2
    const partitions: (SourcePartition | undefined)[] = new Array(to)
    const offsets: (SourceOffset | undefined)[] = new Array(to)
    const acknowledged = new Uint8Array(to)
    for (let token = this.#head; token < this.#next; token += 1) {
      partitions[token % to] = this.#partitions[token % from]
      offsets[token % to] = this.#offsets[token % from]
      acknowledged[token % to] = this.#acknowledged[token % from] ?? 0
    }
    this.#partitions = partitions
    this.#offsets = offsets
    this.#acknowledged = acknowledged
  }
}
