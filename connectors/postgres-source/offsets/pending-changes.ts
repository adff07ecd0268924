import type { SourceOffset, SourceRecord } from 'penstock/api'
import { sameOffset } from './offset-tracker.ts'

/**
 * The age of the oldest change that `poll` returned and that is not durable yet. Tracks batches, not records: when some
 * records of a batch are durable, the commit time of the last durable one is used for the rest.
 */
export class PendingChanges {
  #oldest: number | null = null
  #last: SourceOffset | null = null

  /** Commit time of the oldest pending change in microseconds of the epoch; null when everything is durable. */
  get oldestCommitMicros(): number | null {
    return this.#oldest
  }

  onPolled(records: readonly SourceRecord[]): void {
    const first = records[0]
    const last = records.at(-1)
    if (first === undefined || last === undefined) return
    this.#oldest ??= committedAt(first)
    this.#last = last.sourceOffset
  }

  onDurable(offset: SourceOffset): void {
    if (this.#oldest === null) return
    if (this.#last === null || sameOffset(this.#last, offset)) {
      this.#oldest = null
      return
    }
    const micros = offset['ts_usec']
    if (typeof micros === 'number' && micros > this.#oldest) this.#oldest = micros
  }
}

/** The commit time of a record's change in microseconds of the epoch; null when the offset has none. */
export function committedAt(record: SourceRecord): number | null {
  const micros = record.sourceOffset['ts_usec']
  return typeof micros === 'number' ? micros : null
}
