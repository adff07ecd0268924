import type { SourceOffset, SourceRecord } from 'penstock/api'
import { sameOffset } from './progress.ts'

/**
 * The age of the oldest change that `poll` returned and that is not durable yet. Tracks batches, not records: when some
 * records of a batch are durable, the commit time of the last durable one is used for the rest.
 */
export class Undurable {
  #since: number | null = null
  #last: SourceOffset | null = null

  /** Commit time of the oldest pending change in microseconds of the epoch; null when everything is durable. */
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

/** The commit time of a record's change in microseconds of the epoch; null when the offset has none. */
export function committedAt(record: SourceRecord): number | null {
  const micros = record.sourceOffset['ts_usec']
  return typeof micros === 'number' ? micros : null
}
