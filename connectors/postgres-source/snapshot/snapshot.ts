import { ConnectError, type Clock, type ConnectValue, type Logger } from 'penstock/api'
import type { CopyStream } from '../connection/copy-stream.ts'
import { UnknownLabelError } from '../values/column-type.ts'
import type { Line } from '../offsets/line.ts'
import { parseLsn } from '../offsets/lsn.ts'
import { snapshotOffset, withAhead, type Ahead } from '../offsets/offset.ts'
import type { RecordBuilder } from '../records/record-builder.ts'
import type { RecordQueue } from '../records/record-queue.ts'
import { beginRow, decodeColumn, nullOf, tupleEnd, type Row } from '../replication/row-reader.ts'
import { firstVersion } from '../offsets/row-version.ts'
import type { PgSession } from '../connection/session.ts'
import { snapshotFailure } from './snapshot-tables.ts'
import { fullName, quoteLiteral } from '../schema/table-filter.ts'
import { copyStatement, relationOf, type TablePart } from '../schema/table-part.ts'
import type { TableRegistry } from '../schema/table-registry.ts'
import type { ColumnPlan, TableShape } from '../schema/table-shape.ts'

/** Position and time of a snapshot. */
export interface SnapshotPoint {
  readonly line: Line
  /** The slot's position, where the stream continues; also the position of the snapshot rows, whenever they are read. */
  readonly lsn: number
  readonly txId: number | null
  readonly micros: number
  /** How far the snapshot is ahead of the stream; null when it was taken at the slot's position. */
  readonly ahead: Ahead | null
}

/** Starts the transaction that reads all tables. @param imported the snapshot that the slot's creation exported; null for none */
export async function beginSnapshot(session: PgSession, imported: string | null): Promise<void> {
  await session.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
  if (imported !== null) await session.query(`SET TRANSACTION SNAPSHOT ${quoteLiteral(imported)}`)
}

/**
 * Reads the position and time of the snapshot, and the last transaction before it. The snapshot takes no transaction id of
 * its own: while it ran, no slot could be created on the whole server.
 * @param lsn the slot's position; null for the current end of the WAL when there is no slot
 * @param exported whether the slot's creation made the snapshot
 */
export async function snapshotPoint(
  session: PgSession,
  lsn: number | null,
  line: Line,
  { standby, exported }: { readonly standby: boolean; readonly exported: boolean },
): Promise<SnapshotPoint> {
  const current = standby ? 'pg_last_wal_replay_lsn()' : 'pg_current_wal_lsn()'
  // A transaction becomes visible before its commit record is written out, and a standby applies it before it reports it.
  const end = standby ? 'greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())' : 'pg_current_wal_insert_lsn()'
  const txId = standby ? 'null::float8' : '(txid_snapshot_xmax(txid_current_snapshot()) - 1)::float8'
  const [row] = await session.query<{ tx: number | null; micros: number; lsn: string; end: string }>(
    `select ${txId} as tx, (extract(epoch from transaction_timestamp()) * 1000000)::float8 as micros, ${current}::text as lsn, ${end}::text as end`,
  )
  if (row === undefined) throw new ConnectError('the server returned no row for the position of the snapshot')
  const position = lsn ?? parseLsn(row.lsn)
  const logEnd = parseLsn(row.end)
  const isAhead = !exported && logEnd > position
  const ahead = isAhead ? { end: logEnd, version: firstVersion(line.epoch, position) } : null
  return { line, lsn: position, txId: row.tx, micros: Math.round(row.micros), ahead }
}

const progressMs = 30_000

interface HeldRow {
  readonly shape: TableShape
  readonly row: Row
  readonly bytes: number
  readonly first: boolean
  readonly firstTable: boolean
}

/** Reads tables by COPY and queues their rows as `r` records. Holds the last row back until it is known whether more follow. */
export class Snapshot {
  readonly #session: PgSession
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

  constructor(
    session: PgSession,
    tables: TableRegistry,
    records: RecordBuilder,
    queue: RecordQueue,
    point: SnapshotPoint,
    clock: Clock,
    logger: Logger,
  ) {
    this.#session = session
    this.#tables = tables
    this.#records = records
    this.#queue = queue
    this.#point = point
    this.#version = firstVersion(point.line.epoch, point.lsn)
    this.#clock = clock
    this.#logger = logger
  }

  get rows(): number {
    return this.#rows
  }

  /** Reads all tables in order. `lockTables` must have locked them. */
  async read(parts: readonly TablePart[]): Promise<void> {
    for (const [index, part] of parts.entries()) {
      const started = this.#clock.monotonic()
      const before = this.#rows
      const stopTelling = this.#clock.every(progressMs, () => {
        this.#logger.info(`snapshot of ${fullName(part.table)}: ${this.#rows - before} rows so far`)
      })
      try {
        await this.#readTable(part, index === 0)
      } finally {
        stopTelling()
      }
      const seconds = ((this.#clock.monotonic() - started) / 1000).toFixed(1)
      this.#logger.info(`snapshot of ${fullName(part.table)}: ${this.#rows - before} rows in ${seconds} s`)
    }
    if (this.#held !== null) this.#release(this.#held, true, true)
    this.#held = null
  }

  /** Continues after the queue was full. */
  resume(): void {
    this.#copy?.resume()
  }

  async #readTable(part: TablePart, firstTable: boolean): Promise<void> {
    let shape = this.#tables.define(relationOf(part))
    let first = true
    const copy = this.#session.copy(copyStatement(part), (bytes, start, end) => {
      const row = this.#line(bytes, start, end - 1, shape)
      if (tupleEnd.nulls !== null) shape = this.#tables.widen(shape, tupleEnd.nulls)
      if (this.#held !== null) this.#release(this.#held, this.#held.shape.oid !== shape.oid, false)
      this.#held = { shape, row, bytes: end - start, first, firstTable }
      first = false
      this.#rows += 1
      if (this.#queue.isFull) copy.pause()
      return true
    })
    this.#copy = copy
    try {
      await copy.done
    } catch (error) {
      throw snapshotFailure(error, part)
    } finally {
      this.#copy = null
    }
  }

  #release(held: HeldRow, lastOfTable: boolean, last: boolean): void {
    const { line, lsn, txId, micros, ahead } = this.#point
    const origin = {
      snapshot: marker(held, lastOfTable, last),
      sequence: `[null,"${lsn}"]`,
      lsn,
      txId,
      micros,
      version: this.#version,
      ahead: null,
    }
    const offset = withAhead(snapshotOffset(line, this.#point, last), last ? ahead : null)
    this.#queue.push(this.#records.row(held.shape, 'r', null, held.row, origin, offset, null), held.bytes)
  }

  #line(bytes: Buffer, start: number, end: number, shape: TableShape): Row {
    try {
      return readLine(bytes, start, end, shape)
    } catch (error) {
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

const tab = 0x09
const backslash = 0x5c
const nullMark = 0x4e

/**
 * Reads a line of COPY's text format; `end` is before the line feed.
 * @see https://www.postgresql.org/docs/current/sql-copy.html#SQL-COPY-FILE-FORMATS
 */
export function readLine(bytes: Buffer, start: number, end: number, shape: TableShape): Row {
  const { plans } = shape
  const values: ConnectValue[] = new Array<ConnectValue>(shape.valueCount).fill(null)
  const key: ConnectValue[] | null = shape.keyCount === 0 ? null : new Array<ConnectValue>(shape.keyCount).fill(null)
  let position = start
  beginRow()
  for (let i = 0; i < plans.length; i += 1) {
    const plan = plans[i] as ColumnPlan
    const from = position
    let escaped = false
    while (position < end && bytes[position] !== tab) {
      if (bytes[position] === backslash) {
        escaped = true
        position += 1
      }
      position += 1
    }
    const wanted = plan.valueIndex >= 0 || plan.keyIndex >= 0
    if (wanted && escaped && isNull(bytes, from, position)) {
      nullOf(plan, 'row')
    } else if (wanted) {
      const value = escaped ? unescaped(bytes, from, position, plan) : decodeColumn(bytes, from, position, plan)
      if (plan.valueIndex >= 0) values[plan.valueIndex] = value
      if (plan.keyIndex >= 0 && key !== null) key[plan.keyIndex] = value
    }
    position += 1
  }
  return { kind: 'new', values, key }
}

function isNull(bytes: Buffer, start: number, end: number): boolean {
  return end - start === 2 && bytes[start + 1] === nullMark
}

const controls: Readonly<Record<number, number>> = { 0x62: 8, 0x66: 12, 0x6e: 10, 0x72: 13, 0x74: 9, 0x76: 11 }

function unescaped(bytes: Buffer, start: number, end: number, plan: ColumnPlan): ConnectValue {
  const plain = Buffer.allocUnsafe(end - start)
  let length = 0
  for (let i = start; i < end; i += 1) {
    let byte = bytes[i] ?? 0
    if (byte === backslash) {
      i += 1
      byte = bytes[i] ?? 0
      byte = controls[byte] ?? byte
    }
    plain[length] = byte
    length += 1
  }
  return decodeColumn(plain, 0, length, plan)
}
