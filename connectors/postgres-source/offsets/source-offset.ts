import { DataError, type SourceOffset, type SourcePartition } from 'penstock/api'
import { formatLsn, parseLsn } from './lsn.ts'
import type { WalLineage } from './wal-lineage.ts'

/**
 * Debezium's source offsets. A row's offset holds its position (`lsn`, and `lsn_events_processed` when several changes
 * share the LSN) and, in `lsn_commit`, the end of the last completed transaction before it. More keys identify the WAL
 * lineage that the positions belong to, and a part of the changes that share an LSN; Debezium ignores unknown keys.
 */
export type MessageType = 'INSERT' | 'UPDATE' | 'DELETE' | 'TRUNCATE' | 'MESSAGE'

export function sourcePartition(prefix: string): SourcePartition {
  return { server: prefix }
}

/** Whether this is the stream's partition; the others hold the connector's own state about tables. */
export function isOwnPartition(partition: SourcePartition): boolean {
  return partition['penstock'] === undefined
}

/** The offset of a snapshot row; `last` for the very last one. */
export function snapshotOffset(
  lineage: WalLineage,
  at: { readonly lsn: number; readonly txId: number | null; readonly micros: number },
  last: boolean,
): SourceOffset {
  const { lsn, txId, micros } = at
  return {
    last_snapshot_record: last,
    lsn,
    ...(txId === null ? {} : { txId }),
    ts_usec: micros,
    snapshot: 'INITIAL',
    snapshot_completed: last,
    ...lineageKeys(lineage),
  }
}

/** The position of a row change. */
export interface RowPosition {
  readonly type: MessageType
  readonly lsn: number
  /** End of the last commit before it; null before the first commit of the stream. */
  readonly lsnCommit: number | null
  readonly txId: number
  /** Commit time in microseconds of the epoch. */
  readonly micros: number
  /** Number of the change among those with its LSN: a COPY writes many rows in one WAL record. */
  readonly nth: number
}

/**
 * The offset of a row change. Hot path: each form is one object literal, because composing it would allocate more objects
 * per record.
 */
export function rowOffset(row: RowPosition, lineage: WalLineage): SourceOffset {
  const { type, lsn, lsnCommit, txId, micros, nth } = row
  if (lsnCommit === null) return { ...firstRowOffset(row), ...lineageKeys(lineage) }
  const { system, timeline, epoch } = lineage
  if (nth === 1) {
    return {
      lsn_proc: lsn,
      messageType: type,
      lsn_commit: lsnCommit,
      lsn,
      txId,
      ts_usec: micros,
      penstock_system: system,
      penstock_timeline: timeline,
      penstock_epoch: epoch,
    }
  }
  return {
    lsn_proc: lsn,
    messageType: type,
    lsn_commit: lsnCommit,
    lsn,
    txId,
    ts_usec: micros,
    lsn_events_processed: nth,
    penstock_system: system,
    penstock_timeline: timeline,
    penstock_epoch: epoch,
  }
}

/** The offset of a row change before the first commit of the stream. */
function firstRowOffset({ type, lsn, txId, micros, nth }: RowPosition): SourceOffset {
  const offset = { lsn_proc: lsn, messageType: type, lsn, txId, ts_usec: micros }
  return nth === 1 ? offset : { ...offset, lsn_events_processed: nth }
}

/**
 * The last byte before `end`. An open transaction may continue with a row that begins at `end`. Debezium takes the row at
 * `lsn` for the last one it read, and skips it and all rows of the transaction before it; no row begins at this byte.
 */
function lastByteBefore(end: number): number {
  return end - 1
}

/** The offset between transactions, with nothing in flight: everything before `end` is captured. */
export function commitOffset(end: number, txId: number | null, micros: number, lineage: WalLineage): SourceOffset {
  const lsn = lastByteBefore(end)
  return {
    lsn_proc: lsn,
    messageType: 'COMMIT',
    lsn_commit: end,
    lsn,
    ...(txId === null ? {} : { txId }),
    ts_usec: micros,
    ...lineageKeys(lineage),
  }
}

/** The offset of a non-transactional logical message: everything before the end of its WAL record is captured. */
export function messageOffset(end: number, micros: number, lineage: WalLineage): SourceOffset {
  const lsn = lastByteBefore(end)
  return { lsn_proc: lsn, messageType: 'MESSAGE', lsn_commit: end, lsn, ts_usec: micros, ...lineageKeys(lineage) }
}

function lineageKeys({ system, timeline, epoch }: WalLineage): SourceOffset {
  return { penstock_system: system, penstock_timeline: timeline, penstock_epoch: epoch }
}

/** The first `nth` changes at `lsn` of a transaction, which has more of them. */
export interface Part {
  readonly txId: number
  readonly lsn: number
  readonly nth: number
}

/**
 * The offset after a part of the changes that share an LSN. For Debezium before 3.7 an offset with their LSN covers all of
 * them: it would skip the rest. So this one is `before`, the offset before the first of them, and only this connector reads the part.
 */
export function withPart(before: SourceOffset, { txId, lsn, nth }: Part): SourceOffset {
  return { ...before, penstock_part: `${txId} ${lsn} ${nth}` }
}

/** The part after an offset; null when there is none. @throws DataError */
export function partOf(offset: SourceOffset): Part | null {
  const text = offset['penstock_part'] ?? null
  if (text === null) return null
  const numbers = String(text).split(' ').map(Number)
  const [txId = -1, lsn = -1, nth = -1] = numbers
  if (numbers.length !== 3 || !numbers.every((number) => Number.isSafeInteger(number) && number >= 0))
    throw unusableOffset(offset)
  return { txId, lsn, nth }
}

/** The offset without its part: it repeats the changes of the part. */
export function withoutPart(offset: SourceOffset): SourceOffset {
  const { penstock_part: _part, ...before } = offset
  return before
}

/** The offset with another lineage that has the same WAL up to there. One that Debezium wrote stays known as such. */
export function withLineage(offset: SourceOffset, lineage: WalLineage): SourceOffset {
  const origin = isOfDebezium(offset) ? { penstock_adopted: true } : {}
  return { ...offset, ...lineageKeys(lineage), ...origin }
}

/** Whether Debezium wrote the offset, be it that a lineage was added to it. */
export function isOfDebezium(offset: SourceOffset): boolean {
  return lineageOf(offset) === null || offset['penstock_adopted'] === true
}

/** The lineage of an offset; null in one that Debezium wrote. @throws DataError */
export function lineageOf(offset: SourceOffset): WalLineage | null {
  const system = offset['penstock_system']
  const timeline = offset['penstock_timeline']
  const epoch = numberOf(offset, 'penstock_epoch')
  if (system === undefined || timeline === undefined || epoch === null) return null
  return { system: String(system), timeline: String(timeline), epoch }
}

/**
 * Commit time of the latest captured transaction, in microseconds of the epoch; null when it is unknown. Ignores
 * transactions that the server applied from another one, because they have the commit time of their origin.
 */
export function latestCommitMicros(offset: SourceOffset): number | null {
  const micros = numberOf(offset, 'penstock_latest') ?? numberOf(offset, 'ts_usec')
  return micros === 0 ? null : micros
}

/** Adds {@link latestCommitMicros} to the offset when it differs much from the offset's own commit time. */
export function withLatestCommit(offset: SourceOffset, micros: number, latest: number): SourceOffset {
  return Math.abs(latest - micros) > nearMicros ? { ...offset, penstock_latest: latest } : offset
}

/** A snapshot that is ahead of the stream. */
export interface AheadSnapshot {
  /** The end of the WAL at the snapshot: it may contain what was committed up to here. */
  readonly end: number
  /** The version of its rows. */
  readonly version: bigint
}

export function withAhead(offset: SourceOffset, ahead: AheadSnapshot | null): SourceOffset {
  return ahead === null ? offset : { ...offset, penstock_ahead: `${formatLsn(ahead.end)} ${ahead.version}` }
}

/** The snapshot that is ahead of the offset; null when there is none. @throws DataError */
export function aheadOf(offset: SourceOffset | null): AheadSnapshot | null {
  const text = offset?.['penstock_ahead'] ?? null
  if (offset === null || text === null) return null
  const [, end, version] = /^(\S+) (\d+)$/.exec(String(text)) ?? []
  if (end === undefined || version === undefined) throw unusableOffset(offset)
  return { end: parseLsn(end), version: BigInt(version) }
}

/** Consecutive commits differ by less: then the offset needs no second time. */
const nearMicros = 60_000_000

/** A number of a stored offset; null when it has none. @throws DataError PG_OFFSET */
export function numberOf(offset: SourceOffset, key: string): number | null {
  const value = offset[key]
  if (value === undefined || value === null) return null
  const number = Number(value)
  if (!Number.isSafeInteger(number)) throw unusableOffset(offset)
  return number
}

export function unusableOffset(offset: SourceOffset): DataError {
  const text = JSON.stringify(offset, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value))
  return new DataError(`cannot parse the stored offset: ${text}`, { code: 'PG_OFFSET' })
}
