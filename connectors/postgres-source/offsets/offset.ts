import { DataError, type SourceOffset, type SourcePartition } from 'penstock/api'
import type { Line } from './line.ts'
import { formatLsn, parseLsn } from './lsn.ts'

/**
 * Debezium's source offsets. A row's offset holds its position (`lsn`, and `lsn_events_processed` when several changes
 * share the LSN) and, in `lsn_commit`, the end of the last completed transaction before it. Three more keys identify the
 * WAL lineage that the positions belong to; Debezium ignores unknown keys.
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
  line: Line,
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
    ...lineOffset(line),
  }
}

/**
 * The offset of a row change. `nth` is the number of the change among those with the same LSN: a COPY writes many rows
 * in one WAL record. Hot path: each form is one object literal, because composing it would allocate more objects per record.
 */
export function rowOffset(
  type: MessageType,
  lsn: number,
  lsnCommit: number | null,
  txId: number,
  micros: number,
  nth: number,
  line: Line,
): SourceOffset {
  if (lsnCommit === null) return { ...firstRowOffset(type, lsn, txId, micros, nth), ...lineOffset(line) }
  const { system, timeline, epoch } = line
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
function firstRowOffset(type: MessageType, lsn: number, txId: number, micros: number, nth: number): SourceOffset {
  const offset = { lsn_proc: lsn, messageType: type, lsn, txId, ts_usec: micros }
  return nth === 1 ? offset : { ...offset, lsn_events_processed: nth }
}

/** The offset between transactions, with nothing in flight: everything before `lsn` is captured. */
export function commitOffset(lsn: number, txId: number | null, micros: number, line: Line): SourceOffset {
  return {
    lsn_proc: lsn,
    messageType: 'COMMIT',
    lsn_commit: lsn,
    lsn,
    ...(txId === null ? {} : { txId }),
    ts_usec: micros,
    ...lineOffset(line),
  }
}

/** The offset of a non-transactional logical message: everything before the end of its WAL record is captured. */
export function messageOffset(lsn: number, micros: number, line: Line): SourceOffset {
  return { lsn_proc: lsn, messageType: 'MESSAGE', lsn_commit: lsn, lsn, ts_usec: micros, ...lineOffset(line) }
}

function lineOffset({ system, timeline, epoch }: Line): SourceOffset {
  return { penstock_system: system, penstock_timeline: timeline, penstock_epoch: epoch }
}

/** The offset with another lineage that has the same WAL up to there. */
export function onLine(offset: SourceOffset, line: Line): SourceOffset {
  return { ...offset, ...lineOffset(line) }
}

/** The lineage of an offset; null in one that Debezium wrote. @throws DataError */
export function lineOf(offset: SourceOffset): Line | null {
  const system = offset['penstock_system']
  const timeline = offset['penstock_timeline']
  const epoch = numberOf(offset, 'penstock_epoch')
  if (system === undefined || timeline === undefined || epoch === null) return null
  return { system: String(system), timeline: String(timeline), epoch }
}

/** Where to continue. */
export type ResumePoint =
  /** No snapshot yet, or an interrupted one. */
  { readonly kind: 'begin' } | StreamPoint

/**
 * Transactions with a commit record before `skipBefore` are captured, and so are the changes of transaction `open` up to
 * `open.lsn`. `lastCommit` is the end of the last commit that was read; null before the first one.
 */
export interface StreamPoint {
  readonly kind: 'stream'
  readonly skipBefore: number
  readonly lastCommit: number | null
  readonly open: OpenTransaction | null
}

/** A partly captured transaction: the changes before `lsn` are captured, and the first `nth` changes at it. */
export interface OpenTransaction {
  /** Null in offsets of old Debezium versions: then it is the first transaction that is not skipped. */
  readonly txId: number | null
  readonly lsn: number
  readonly nth: number
}

/** Reads an offset of this connector or of any Debezium version. @throws DataError when it is neither. */
export function resumePoint(offset: SourceOffset | null): ResumePoint {
  if (offset === null) return { kind: 'begin' }
  const lsn = numberOf(offset, 'lsn')
  const lsnProc = numberOf(offset, 'lsn_proc')
  const lsnCommit = numberOf(offset, 'lsn_commit')
  const position = lsn ?? lsnProc
  if (isSnapshot(offset)) {
    if (!isTrue(offset['last_snapshot_record']) && !isTrue(offset['snapshot_completed'])) return { kind: 'begin' }
    if (position === null) throw unusable(offset)
    return { kind: 'stream', skipBefore: position, lastCommit: null, open: null }
  }
  if (position === null) throw unusable(offset)
  const type = offset['messageType']
  const isBetween = type === 'COMMIT' || type === 'NOOP' || (type === 'MESSAGE' && lsnCommit === position)
  if (isBetween) {
    return { kind: 'stream', skipBefore: lsnCommit ?? position, lastCommit: lsnCommit, open: null }
  }
  // A heartbeat between the snapshot and the first change.
  if (type === undefined && lsnProc === null) {
    return { kind: 'stream', skipBefore: position, lastCommit: null, open: null }
  }
  const done = type === undefined || (typeof type === 'string' && rowTypes.has(type))
  const open = done
    ? { txId: numberOf(offset, 'txId'), lsn: position, nth: numberOf(offset, 'lsn_events_processed') ?? 1 }
    : null
  // No commit was read yet: nothing precedes the open transaction but what the slot still sends.
  return { kind: 'stream', skipBefore: lsnCommit ?? 0, lastCommit: lsnCommit, open }
}

const rowTypes = new Set(['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'MESSAGE'])

/** The LSN up to which everything is captured, so that the slot may confirm it (I2); null during a snapshot. */
export function confirmable(offset: SourceOffset): number | null {
  if (isSnapshot(offset)) return null
  return numberOf(offset, 'lsn_commit')
}

/**
 * The end of the captured WAL; null during a snapshot. The LSN of a row is where its WAL record begins, so at least one
 * byte after it was captured.
 */
export function furthest(offset: SourceOffset): number | null {
  const point = resumePoint(offset)
  if (point.kind === 'begin') return null
  const positions = ['lsn', 'lsn_proc', 'lsn_commit'].map((key) => numberOf(offset, key) ?? 0)
  return Math.max(...positions, point.open === null ? 0 : point.open.lsn + 1)
}

/**
 * Commit time of the latest captured transaction, in microseconds of the epoch; null when it is unknown. Ignores
 * transactions that the server applied from another one, because they have the commit time of their origin.
 */
export function committedMicros(offset: SourceOffset): number | null {
  const micros = numberOf(offset, 'penstock_latest') ?? numberOf(offset, 'ts_usec')
  return micros === 0 ? null : micros
}

/** Adds {@link committedMicros} to the offset when it differs much from the offset's own commit time. */
export function withLatest(offset: SourceOffset, micros: number, latest: number): SourceOffset {
  return Math.abs(latest - micros) > nearMicros ? { ...offset, penstock_latest: latest } : offset
}

/** A snapshot that is ahead of the stream. */
export interface Ahead {
  /** The end of the WAL at the snapshot: it may contain what was committed up to here. */
  readonly end: number
  /** The version of its rows. */
  readonly version: bigint
}

export function withAhead(offset: SourceOffset, ahead: Ahead | null): SourceOffset {
  return ahead === null ? offset : { ...offset, penstock_ahead: `${formatLsn(ahead.end)} ${ahead.version}` }
}

/** The snapshot that is ahead of the offset; null when there is none. @throws DataError */
export function aheadOf(offset: SourceOffset | null): Ahead | null {
  const text = offset?.['penstock_ahead'] ?? null
  if (offset === null || text === null) return null
  const [, end, version] = /^(\S+) (\d+)$/.exec(String(text)) ?? []
  if (end === undefined || version === undefined) throw unusable(offset)
  return { end: parseLsn(end), version: BigInt(version) }
}

/** Consecutive commits differ by less: then the offset needs no second time. */
const nearMicros = 60_000_000

/** The furthest position that the slot may have confirmed without data loss, given the stored offset. */
export function slotLimit(offset: SourceOffset): number | null {
  return numberOf(offset, 'lsn_commit') ?? numberOf(offset, 'lsn_proc') ?? numberOf(offset, 'lsn')
}

function isSnapshot(offset: SourceOffset): boolean {
  const value = offset['snapshot']
  // An incremental snapshot runs beside the stream: the offset holds the stream's position.
  return value !== undefined && value !== null && value !== false && value !== 'false' && value !== 'INCREMENTAL'
}

function isTrue(value: SourceOffset[string] | undefined): boolean {
  return value === true || value === 'true'
}

function numberOf(offset: SourceOffset, key: string): number | null {
  const value = offset[key]
  if (value === undefined || value === null) return null
  const number = Number(value)
  if (!Number.isSafeInteger(number)) throw unusable(offset)
  return number
}

function unusable(offset: SourceOffset): DataError {
  const text = JSON.stringify(offset, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value))
  return new DataError(`cannot parse the stored offset: ${text}`, { code: 'PG_OFFSET' })
}
