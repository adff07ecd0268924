import { ConnectError, type Clock, type Logger } from 'penstock/api'
import type { CopyStream } from '../connection/copy-stream.ts'
import type { PgConnection } from '../connection/pg-connection.ts'
import { firstVersion } from '../offsets/row-version.ts'
import { snapshotOffset, withAhead } from '../offsets/source-offset.ts'
import type { RecordBuilder } from '../records/record-builder.ts'
import type { RecordQueue } from '../records/record-queue.ts'
import { copyTexts, type UnreadableRow } from '../records/unreadable-row.ts'
import { resetTupleState, tupleState, type Row } from '../replication/row-reader.ts'
import { fullName } from '../schema/sql-text.ts'
import { copyStatement, relationOf, type TableProjection } from '../schema/table-projection.ts'
import type { TableRegistry } from '../schema/table-registry.ts'
import type { TableShape } from '../schema/table-shape.ts'
import { UnknownLabelError } from '../values/column-type.ts'
import { UnrepresentableError } from '../values/conversion-failures.ts'
import { readCopyRow } from './copy-row.ts'
import { snapshotFailure } from './lock-tables.ts'
import type { SnapshotPoint } from './snapshot-point.ts'

const progressMs = 30_000

/** A row that waits for the next one. It is also the row's `ChangedRow`. */
interface HeldRow {
  readonly shape: TableShape
  readonly old: null
  readonly row: Row | null
  readonly lost: null
  readonly unknownKey: null
  /** Its texts, when it cannot be read. */
  readonly unreadable: UnreadableRow | null
  readonly bytes: number
  readonly first: boolean
  readonly firstTable: boolean
}

export interface SnapshotReaderOptions {
  readonly connection: PgConnection
  readonly tables: TableRegistry
  readonly records: RecordBuilder
  readonly queue: RecordQueue
  readonly point: SnapshotPoint
  readonly clock: Clock
  readonly logger: Logger
}

/** Reads tables by COPY and queues their rows as `r` records. Holds the last row back until it is known whether more follow. */
export class SnapshotReader {
  readonly #connection: PgConnection
  readonly #tables: TableRegistry
  readonly #records: RecordBuilder
  readonly #queue: RecordQueue
  readonly #point: SnapshotPoint
  readonly #version: bigint
  readonly #clock: Clock
  readonly #logger: Logger
  #held: HeldRow | null = null
  #copy: CopyStream | null = null
  #rows = 0

  constructor({ connection, tables, records, queue, point, clock, logger }: SnapshotReaderOptions) {
    this.#connection = connection
    this.#tables = tables
    this.#records = records
    this.#queue = queue
    this.#point = point
    this.#version = firstVersion(point.lineage.epoch, point.lsn)
    this.#clock = clock
    this.#logger = logger
  }

  get rows(): number {
    return this.#rows
  }

  /** Reads all tables in order. `lockTables` must have locked them. */
  async read(projections: readonly TableProjection[]): Promise<void> {
    for (const [index, projection] of projections.entries()) {
      const started = this.#clock.monotonic()
      const before = this.#rows
      const stopReporting = this.#clock.every(progressMs, () => {
        this.#logger.info(`snapshot of ${fullName(projection.table)}: ${this.#rows - before} rows so far`)
      })
      try {
        await this.#readTable(projection, index === 0)
      } finally {
        stopReporting()
      }
      const seconds = ((this.#clock.monotonic() - started) / 1000).toFixed(1)
      this.#logger.info(`snapshot of ${fullName(projection.table)}: ${this.#rows - before} rows in ${seconds} s`)
    }
    if (this.#held !== null) this.#release(this.#held, true, true)
    this.#held = null
  }

  /** Continues after the queue was full. */
  resume(): void {
    this.#copy?.resume()
  }

  async #readTable(projection: TableProjection, firstTable: boolean): Promise<void> {
    let shape = this.#tables.define(relationOf(projection))
    let first = true
    const copy = this.#connection.copy(copyStatement(projection), (bytes, start, end) => {
      const read = this.#readRow(bytes, start, end - 1, shape)
      if (tupleState.nulls !== null) shape = this.#tables.widen(shape, tupleState.nulls)
      if (this.#held !== null) this.#release(this.#held, this.#held.shape.oid !== shape.oid, false)
      this.#held = { ...read, shape, old: null, lost: null, unknownKey: null, bytes: end - start, first, firstTable }
      first = false
      this.#rows += 1
      if (this.#queue.isFull) copy.pause()
      return true
    })
    this.#copy = copy
    try {
      await copy.done
    } catch (error) {
      throw snapshotFailure(error, projection)
    } finally {
      this.#copy = null
    }
  }

  #release(held: HeldRow, lastOfTable: boolean, last: boolean): void {
    const { lineage, lsn, txId, micros, ahead } = this.#point
    const offset = withAhead(snapshotOffset(lineage, this.#point, last), last ? ahead : null)
    const context = {
      snapshot: marker(held, lastOfTable, last),
      sequence: `[null,"${lsn}"]`,
      lsn,
      txId,
      micros,
      version: this.#version,
      ahead: null,
      offset,
      offsetBefore: offset,
    }
    const { shape, unreadable, bytes } = held
    const record =
      unreadable === null
        ? this.#records.row('r', shape, held, context)
        : this.#records.unreadable('r', shape, unreadable, context)
    this.#queue.push(record, bytes)
  }

  #readRow(bytes: Buffer, start: number, end: number, shape: TableShape): Pick<HeldRow, 'row' | 'unreadable'> {
    try {
      return { row: readCopyRow(bytes, start, end, shape), unreadable: null }
    } catch (error) {
      if (error instanceof UnrepresentableError) {
        resetTupleState()
        return { row: null, unreadable: { before: null, after: copyTexts(bytes, start, end, shape), error } }
      }
      // All labels were read in this transaction: reading the catalog again cannot find more.
      if (error instanceof UnknownLabelError) throw new ConnectError(error.message, { code: 'PG_ENUM', cause: error })
      throw error
    }
  }
}

/** Debezium's marker for the place of a row in the snapshot. */
function marker(held: HeldRow, lastOfTable: boolean, last: boolean): string {
  if (last) return 'last'
  if (held.first && held.firstTable) return 'first'
  if (lastOfTable) return 'last_in_data_collection'
  return held.first ? 'first_in_data_collection' : 'true'
}
