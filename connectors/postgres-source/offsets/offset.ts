import { DataError, type SourceOffset, type SourcePartition } from 'penstock/api'
import type { Line } from './line.ts'
import { formatLsn, parseLsn } from './lsn.ts'

/**
 * Debezium's source offsets. A row's offset says where it lies (`lsn`, and which change of that LSN), and with
 * `lsn_commit` which transactions are whole: those that ended at or before it. Three keys more name the line of log that
 * the positions belong to; Debezium ignores keys that it does not know.
 */
export type MessageType = 'INSERT' | 'UPDATE' | 'DELETE' | 'TRUNCATE' | 'MESSAGE'

export function sourcePartition(prefix: string): SourcePartition {
  return { server: prefix }
}

/** Whether it is that of the stream; others hold what is known of the tables. */
export function isOwnPartition(partition: SourcePartition): boolean {
  return partition['penstock'] === undefined
}

/** Of a snapshot's row; `last` on the very last one. */
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
 * Of a row in the stream. `nth` is the change's number among those that share its LSN: a COPY writes many rows with
 * one log record. Each form is spelled out: to build it in parts would cost an object per record.
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

/** Before the first commit that is seen. */
function firstRowOffset(type: MessageType, lsn: number, txId: number, micros: number, nth: number): SourceOffset {
  const offset = { lsn_proc: lsn, messageType: type, lsn, txId, ts_usec: micros }
  return nth === 1 ? offset : { ...offset, lsn_events_processed: nth }
}

/** After a transaction, or with nothing open and nothing in flight: everything before `lsn` is done. */
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

/** Of a logical message outside of transactions: everything before the end of its log record is done. */
export function messageOffset(lsn: number, micros: number, line: Line): SourceOffset {
  return { lsn_proc: lsn, messageType: 'MESSAGE', lsn_commit: lsn, lsn, ts_usec: micros, ...lineOffset(line) }
}

function lineOffset({ system, timeline, epoch }: Line): SourceOffset {
  return { penstock_system: system, penstock_timeline: timeline, penstock_epoch: epoch }
}

/** The offset as one of another line that holds the same log up to there. */
export function onLine(offset: SourceOffset, line: Line): SourceOffset {
  return { ...offset, ...lineOffset(line) }
}

/** The line that an offset belongs to; null in one of Debezium. @throws DataError */
export function lineOf(offset: SourceOffset): Line | null {
  const system = offset['penstock_system']
  const timeline = offset['penstock_timeline']
  const epoch = numberOf(offset, 'penstock_epoch')
  if (system === undefined || timeline === undefined || epoch === null) return null
  return { system: String(system), timeline: String(timeline), epoch }
}

/** Where to go on. */
export type ResumePoint =
  /** No snapshot yet, or one that was interrupted. */
  { readonly kind: 'begin' } | StreamPoint

/**
 * Transactions whose commit record lies before `skipBefore` are done, and of transaction `open` the changes up to
 * `open.lsn`. `lastCommit` is the end of the last commit that was seen, null before the first one.
 */
export interface StreamPoint {
  readonly kind: 'stream'
  readonly skipBefore: number
  readonly lastCommit: number | null
  readonly open: OpenTransaction | null
}

/** A transaction of which some changes are done: those before `lsn`, and `nth` of those at it. */
export interface OpenTransaction {
  /** Null in offsets of old versions: then it is the first transaction that is not skipped. */
  readonly txId: number | null
  readonly lsn: number
  readonly nth: number
}

/** Reads an offset of ours or of any Debezium version. @throws DataError when it is neither. */
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
  // Without a commit seen there is nothing before the open transaction but what the slot still sends.
  return { kind: 'stream', skipBefore: lsnCommit ?? 0, lastCommit: lsnCommit, open }
}

const rowTypes = new Set(['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'MESSAGE'])

/** The log position up to which an offset says that everything is done; null while a snapshot is not whole. */
export function confirmable(offset: SourceOffset): number | null {
  if (isSnapshot(offset)) return null
  return numberOf(offset, 'lsn_commit')
}

/**
 * The end of the log that was captured; null while a snapshot is not whole. A row's own position is where its record begins,
 * of which at least a byte has to be there.
 */
export function furthest(offset: SourceOffset): number | null {
  const point = resumePoint(offset)
  if (point.kind === 'begin') return null
  const positions = ['lsn', 'lsn_proc', 'lsn_commit'].map((key) => numberOf(offset, key) ?? 0)
  return Math.max(...positions, point.open === null ? 0 : point.open.lsn + 1)
}

/**
 * When the latest transaction that was captured had committed, microseconds of the epoch; null when it is not known. Of this
 * server's own: one that it took over from another server has the time of that one.
 */
export function committedMicros(offset: SourceOffset): number | null {
  const micros = numberOf(offset, 'penstock_latest') ?? numberOf(offset, 'ts_usec')
  return micros === 0 ? null : micros
}

/** The offset with the time of {@link committedMicros}, where that of its own transaction is far from it. */
export function withLatest(offset: SourceOffset, micros: number, latest: number): SourceOffset {
  return Math.abs(latest - micros) > nearMicros ? { ...offset, penstock_latest: latest } : offset
}

/** A snapshot that is ahead of the stream. */
export interface Ahead {
  /** Where the log ended at the snapshot: it may have seen what was committed up to there. */
  readonly end: number
  /** Of its rows. */
  readonly version: bigint
}

export function withAhead(offset: SourceOffset, ahead: Ahead | null): SourceOffset {
  return ahead === null ? offset : { ...offset, penstock_ahead: `${formatLsn(ahead.end)} ${ahead.version}` }
}

/** The snapshot that is ahead of the offset; null where there is none. @throws DataError */
export function aheadOf(offset: SourceOffset | null): Ahead | null {
  const text = offset?.['penstock_ahead'] ?? null
  if (offset === null || text === null) return null
  const [, end, version] = /^(\S+) (\d+)$/.exec(String(text)) ?? []
  if (end === undefined || version === undefined) throw unusable(offset)
  return { end: parseLsn(end), version: BigInt(version) }
}

/** Commits that follow one another differ by less, and the offset says nothing twice. */
const nearMicros = 60_000_000

/** The furthest position that a slot may have confirmed without loss, given the offset. */
export function slotLimit(offset: SourceOffset): number | null {
  return numberOf(offset, 'lsn_commit') ?? numberOf(offset, 'lsn_proc') ?? numberOf(offset, 'lsn')
}

function isSnapshot(offset: SourceOffset): boolean {
  const value = offset['snapshot']
  // INCREMENTAL runs beside the stream: the offset's position is that of the stream.
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
  return new DataError(`the stored offset cannot be understood: ${text}`, { code: 'PG_OFFSET' })
}
