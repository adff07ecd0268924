import type { SourceOffset, SourceRecord } from 'penstock/api'
import { sameOffset } from './progress.ts'

/**
 * Since when the oldest change waits that was handed out and is not durable. Looks at batches, never at single records:
 * while some of what was handed out is durable, the last of that stands for what comes after it.
 */
export class Undurable {
  #since: number | null = null
  #last: SourceOffset | null = null

  /** Microseconds of the epoch when the oldest change was committed; null when all is durable. */
  get since(): number | null {
    return this.#since
  }

  onTaken(records: readonly SourceRecord[]): void {
    const first = records[0]
    const last = records.at(-1)
    if (first === undefined || last === undefined) return
    this.#since ??= committedAt(first)
    this.#last = last.sourceOffset
  }

  onDurable(offset: SourceOffset): void {
    if (this.#since === null) return
    if (this.#last === null || sameOffset(this.#last, offset)) {
      this.#since = null
      return
    }
    const micros = offset['ts_usec']
    if (typeof micros === 'number' && micros > this.#since) this.#since = micros
  }
}

/** When the transaction of a record's change was committed, in microseconds of the epoch; null where the offset does not say. */
export function committedAt(record: SourceRecord): number | null {
  const micros = record.sourceOffset['ts_usec']
  return typeof micros === 'number' ? micros : null
}
