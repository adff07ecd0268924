import type { SourceOffset, SourcePartition } from 'penstock/api'
import { withAhead, type AheadSnapshot } from '../offsets/source-offset.ts'
import { keyChanged, type RowImages } from '../replication/row-reader.ts'
import type { TableShape } from '../schema/table-shape.ts'
import { UncertainToastRows } from './uncertain-toast-rows.ts'

/** The source partition of the tracked rows, beside the offset that Debezium reads. */
export function aheadPartition(prefix: string): SourcePartition {
  return { server: prefix, penstock: 'ahead' }
}

/** The task's services for {@link SnapshotAhead}. */
export interface SnapshotAheadOptions {
  readonly load: () => Promise<SourceOffset | null>
  readonly save: (offset: SourceOffset) => void
  readonly setCondition: (message: string | null) => void
  readonly warn: (message: string) => void
}

/**
 * A snapshot that is taken after its slot was created is ahead of the stream, which starts at the slot. The stream sends
 * again what was committed between the two, and so brings every row to its final state. The exception is an unchanged
 * TOAST value, which is not in the WAL: when the key of its row changed, a sink may take the value of another row. Tracks
 * these rows. Includes changes that the snapshot may not contain, because a transaction is in the WAL before it becomes
 * visible. Lives as long as the task.
 */
export class SnapshotAhead {
  readonly #options: SnapshotAheadOptions
  readonly #rows = new UncertainToastRows()
  #ahead: AheadSnapshot | null = null
  #isLoaded = false
  #committedAt = 0

  constructor(options: SnapshotAheadOptions) {
    this.#options = options
  }

  /** Loads the rows that an earlier task stored. */
  async load(): Promise<void> {
    if (this.#isLoaded) return
    const stored = await this.#options.load()
    if (stored !== null) this.#rows.load(stored)
    this.#isLoaded = true
    this.#options.setCondition(this.#message())
    this.#rows.takeChanged()
  }

  /** A stream starts. @param ahead the snapshot ahead of it; null when the stream is past it or starts at its position */
  open(ahead: AheadSnapshot | null): void {
    this.#ahead = ahead
  }

  /** A snapshot read the tables with all values; null for all tables. */
  onRead(oids: readonly number[] | null): void {
    if (oids === null) this.#rows.forgetAll()
    else for (const oid of oids) this.#rows.forget(oid)
    this.#publishIfChanged()
  }

  /** Everything that follows was committed at `lsn` or later. */
  reach(lsn: number): void {
    this.#committedAt = lsn
    if (this.#ahead === null || lsn <= this.#ahead.end) return
    this.#ahead = null
    if (this.#rows.isEmpty) return
    this.#publish()
    for (const text of this.#rows.texts()) this.#options.warn(`PG_SNAPSHOT_AHEAD: ${explanation} ${text}`)
  }

  /** The version of the snapshot rows while the stream is behind the snapshot; else null. */
  get version(): bigint | null {
    return this.#ahead === null ? null : this.#ahead.version
  }

  mark(offset: SourceOffset): SourceOffset {
    return withAhead(offset, this.#ahead)
  }

  /** A row was inserted, updated or deleted. */
  onChange(shape: TableShape, { old, row, unchanged }: RowImages): void {
    if (this.#ahead === null && this.#rows.isEmpty) return
    if (row === null) {
      if (old !== null) this.#rows.gone(shape, old)
    } else if (old !== null && keyChanged(old, row)) {
      this.#rows.moved(shape, { old, row, unchanged }, this.#ahead !== null)
    } else this.#rows.written(shape, row, unchanged, this.#committedAt)
    this.#publishIfChanged()
  }

  onTruncate(oid: number): void {
    this.#rows.forget(oid)
    this.#publishIfChanged()
  }

  #publishIfChanged(): void {
    if (this.#rows.takeChanged()) this.#publish()
  }

  #publish(): void {
    this.#options.save(this.#rows.state())
    this.#options.setCondition(this.#message())
  }

  #message(): string | null {
    const text = this.#rows.text()
    return text === null ? null : `${explanation} ${text}`
  }
}

const explanation =
  'the snapshot was ahead of the stream, and rows changed their key at that time although their large values, which the WAL ' +
  'does not hold, stayed the same: sinks may have stored the value of another row. To correct them, run the UPDATE.'
