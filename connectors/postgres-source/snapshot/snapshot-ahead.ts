import type { SourceOffset, SourcePartition } from 'penstock/api'
import { AheadRows } from './ahead-rows.ts'
import { withAhead, type Ahead } from '../offsets/offset.ts'
import { keyChanged, type RowImages } from '../replication/row-reader.ts'
import type { TableShape } from '../schema/table-shape.ts'

/** Where the rows are stored, beside the offset that Debezium knows. */
export function aheadPartition(prefix: string): SourcePartition {
  return { server: prefix, penstock: 'ahead' }
}

/** What {@link SnapshotAhead} needs of the task. */
export interface SnapshotAheadParts {
  readonly load: () => Promise<SourceOffset | null>
  readonly save: (offset: SourceOffset) => void
  readonly show: (message: string | null) => void
  readonly warn: (message: string) => void
}

/**
 * A snapshot that is taken while its slot exists is ahead of the stream, which begins at the slot. What was committed up to
 * the end of the log at the snapshot is sent once more and brings everything to the same end, but for large values that did
 * not change: they are not in the log, and where the key of their row changed, a sink may find another row's. Follows these
 * rows. Holds more changes than the snapshot has seen: a transaction is in the log before it is visible. Lives as long as the task.
 */
export class SnapshotAhead {
  readonly #parts: SnapshotAheadParts
  readonly #rows = new AheadRows()
  #ahead: Ahead | null = null
  #isLoaded = false
  #committedAt = 0

  constructor(parts: SnapshotAheadParts) {
    this.#parts = parts
  }

  /** Reads what an earlier task stored. */
  async load(): Promise<void> {
    if (this.#isLoaded) return
    const stored = await this.#parts.load()
    if (stored !== null) this.#rows.load(stored)
    this.#isLoaded = true
    this.#parts.show(this.#message())
    this.#rows.takeChanged()
  }

  /** A stream begins. @param ahead of the snapshot before it; null where the stream is past it, or begins where it was taken. */
  open(ahead: Ahead | null): void {
    this.#ahead = ahead
  }

  /** Tables were read, with the values of all their rows; null for all tables. */
  onRead(oids: readonly number[] | null): void {
    if (oids === null) this.#rows.forgetAll()
    else for (const oid of oids) this.#rows.forget(oid)
    this.#tell()
  }

  /** What follows was committed there or later. */
  reach(lsn: number): void {
    this.#committedAt = lsn
    if (this.#ahead === null || lsn <= this.#ahead.end) return
    this.#ahead = null
    if (this.#rows.isEmpty) return
    this.#show()
    for (const text of this.#rows.texts()) this.#parts.warn(`PG_SNAPSHOT_AHEAD: ${explanation} ${text}`)
  }

  /** The version of the snapshot's rows, while the stream is behind it. */
  get version(): bigint | null {
    return this.#ahead === null ? null : this.#ahead.version
  }

  mark(offset: SourceOffset): SourceOffset {
    return withAhead(offset, this.#ahead)
  }

  /** A row was inserted, changed or deleted. */
  onChange(shape: TableShape, { old, row, unchanged }: RowImages): void {
    if (this.#ahead === null && this.#rows.isEmpty) return
    if (row === null) {
      if (old !== null) this.#rows.gone(shape, old)
    } else if (old !== null && keyChanged(old, row)) {
      this.#rows.moved(shape, old, row, unchanged, this.#ahead !== null)
    } else this.#rows.written(shape, row, unchanged, this.#committedAt)
    this.#tell()
  }

  onTruncate(oid: number): void {
    this.#rows.forget(oid)
    this.#tell()
  }

  #tell(): void {
    if (this.#rows.takeChanged()) this.#show()
  }

  #show(): void {
    this.#parts.save(this.#rows.state())
    this.#parts.show(this.#message())
  }

  #message(): string | null {
    const text = this.#rows.text()
    return text === null ? null : `${explanation} ${text}`
  }
}

const explanation =
  'the snapshot was ahead of the stream, and rows changed their key meanwhile while their large values, which the log does ' +
  'not hold, stayed the same: documents of sinks may have the value of another row. An UPDATE that writes the values again corrects them.'
