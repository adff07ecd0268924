import { assert } from '../../../foundation/assert.ts'
import type { SourceOffset, SourcePartition } from '../../../api/record.ts'
import type { CommittedSourceOffset } from '../../../api/task.ts'

const initialCapacity = 1024

/**
 * The records of one source task that are on their way to the log, in the order in which they were submitted.
 * A token is a record's sequence number. Offsets become committable only behind the contiguous run of acknowledged
 * records (I2): an acknowledgement that arrives early waits for all before it.
 *
 * A ring of parallel arrays; it grows to what is in flight, which the producer's memory bounds.
 */
export class SubmittedRecords {
  #partitions: (SourcePartition | undefined)[] = new Array(initialCapacity)
  #offsets: (SourceOffset | undefined)[] = new Array(initialCapacity)
  #acknowledged = new Uint8Array(initialCapacity)
  /** Tokens: everything below `#head` is acknowledged; `#next` is the one to be given out. */
  #head = 0
  #next = 0
  /** The last token, when its offset is to give way to the next one's; else -1. */
  #passing = -1
  /** The newest offset per partition object below the watermark, oldest change first. */
  readonly #committable = new Map<SourcePartition, SourceOffset>()

  /** Records submitted and not yet behind the watermark. */
  get inFlight(): number {
    return this.#next - this.#head
  }

  get hasCommittable(): boolean {
    return this.#committable.size > 0
  }

  /**
   * Registers a record; answers its token.
   * @param passing the next record's offset, if it is of the same partition, takes the place of this one.
   */
  submit(partition: SourcePartition, offset: SourceOffset, passing = false): number {
    this.#pass(partition)
    if (this.inFlight === this.#acknowledged.length) this.#grow()
    const token = this.#next
    const slot = token % this.#acknowledged.length
    this.#partitions[slot] = partition
    this.#offsets[slot] = offset
    this.#acknowledged[slot] = 0
    if (passing) this.#passing = token
    this.#next += 1
    return token
  }

  /** Where a record in flight stands in its source; null when that gave way to a later one's, and for a token that is not in flight. */
  offsetOf(token: number): SourceOffset | null {
    if (token < this.#head || token >= this.#next) return null
    return this.#offsets[token % this.#acknowledged.length] ?? null
  }

  /**
   * The record is durable in the log (or was dropped on purpose).
   * Answers whether the watermark moved. @throws AssertionError for a token that is not in flight.
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
   * The offsets behind the watermark that were not taken before: the newest per source partition.
   * Partitions are the same when their JSON text is.
   */
  takeCommittable(): readonly CommittedSourceOffset[] {
    if (this.#committable.size === 0) return []
    const byText = new Map<string, CommittedSourceOffset>()
    for (const [partition, offset] of this.#committable) byText.set(JSON.stringify(partition), { partition, offset })
    this.#committable.clear()
    return [...byText.values()]
  }

  #pass(partition: SourcePartition): void {
    const token = this.#passing
    this.#passing = -1
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

  /** Deleting first keeps the map in the order of the latest change, which decides between equal partitions. */
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
