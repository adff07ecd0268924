import { readInt64, writeInt64 } from '../../protocol/bytes/int64.ts'
import type { IndexFile } from './index-file.ts'

/** A transaction whose records a `read_committed` reader must skip. */
export interface AbortedTransaction {
  readonly producerId: number
  readonly firstOffset: number
  /** The offset of the ABORT marker. */
  readonly lastOffset: number
  /** The last stable offset once the marker was written. */
  readonly lastStableOffset: number
}

/**
 * Aborted transactions in the order of their markers, as in Kafka's `.txnindex`:
 * version i16 = 0, producer id i64, first offset i64, last offset i64, last stable offset i64.
 */
export class TransactionIndex {
  static readonly entrySize = 34
  readonly index: IndexFile

  constructor(index: IndexFile) {
    this.index = index
  }

  add(aborted: AbortedTransaction): void {
    const entry = this.index.add()
    entry.writeInt16BE(0, 0)
    writeInt64(entry, aborted.producerId, 2)
    writeInt64(entry, aborted.firstOffset, 10)
    writeInt64(entry, aborted.lastOffset, 18)
    writeInt64(entry, aborted.lastStableOffset, 26)
  }

  get(i: number): AbortedTransaction {
    const entry = this.index.entry(i)
    return {
      producerId: readInt64(entry, 2),
      firstOffset: readInt64(entry, 10),
      lastOffset: readInt64(entry, 18),
      lastStableOffset: readInt64(entry, 26),
    }
  }

  /** Removes the transactions whose marker is at or after `endOffset`. */
  truncate(endOffset: number): void {
    this.index.truncate(this.index.lastWhere((entry) => readInt64(entry, 18) < endOffset) + 1)
  }

  /**
   * Adds to `found` the transactions that overlap the offsets from `from` up to `to`, `to` excluded.
   * @returns whether later segments cannot hold more of them.
   */
  collect(from: number, to: number, found: AbortedTransaction[]): boolean {
    for (let i = this.index.lastWhere((entry) => readInt64(entry, 18) < from) + 1; i < this.index.count; i += 1) {
      const aborted = this.get(i)
      if (aborted.firstOffset < to) found.push(aborted)
      if (aborted.lastStableOffset >= to) return true
    }
    return false
  }
}
