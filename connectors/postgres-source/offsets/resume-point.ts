import type { SourceOffset } from 'penstock/api'
import { isOfDebezium, numberOf, partOf, unusableOffset } from './source-offset.ts'

/** The place from which to continue. */
export type ResumePoint =
  /** No snapshot yet, or an interrupted one. */
  { readonly kind: 'begin' } | StreamPoint

/**
 * Transactions with a commit record before `skipBefore` are captured, and so are parts of the transactions `open`: of none,
 * of one, or of two that follow each other. `lastCommit` is the end of the last commit that was read; null before the first one.
 */
export interface StreamPoint {
  readonly kind: 'stream'
  readonly skipBefore: number
  readonly lastCommit: number | null
  readonly open: readonly OpenTransaction[]
}

/** A partly captured transaction: the changes before `lsn` are captured, and the first `nth` changes at it. */
export interface OpenTransaction {
  /** Null in offsets of old Debezium versions: then it is the first transaction that is not skipped. */
  readonly txId: number | null
  readonly lsn: number
  readonly nth: number
  /**
   * Whether the last of these changes may be captured in part: Debezium stores the same offset with the deletion and the
   * creation of an update of the key, and with a deletion and its tombstone.
   */
  readonly mayBePart: boolean
}

/** Reads an offset of this connector or of any Debezium version. @throws DataError when it is neither. */
export function resumePoint(offset: SourceOffset | null): ResumePoint {
  if (offset === null) return { kind: 'begin' }
  const part = partOf(offset)
  const point = debeziumPoint(offset)
  return part === null || point.kind === 'begin'
    ? point
    : { ...point, open: [...point.open, { ...part, mayBePart: false }] }
}

/** The meaning of the keys that Debezium knows. */
function debeziumPoint(offset: SourceOffset): ResumePoint {
  const lsn = numberOf(offset, 'lsn')
  const lsnProc = numberOf(offset, 'lsn_proc')
  const lsnCommit = numberOf(offset, 'lsn_commit')
  const position = lsn ?? lsnProc
  if (isSnapshot(offset)) {
    if (!isTrue(offset['last_snapshot_record']) && !isTrue(offset['snapshot_completed'])) return { kind: 'begin' }
    if (position === null) throw unusableOffset(offset)
    return { kind: 'stream', skipBefore: position, lastCommit: null, open: [] }
  }
  if (position === null) throw unusableOffset(offset)
  const type = offset['messageType']
  const isBetween = type === 'COMMIT' || type === 'NOOP' || (type === 'MESSAGE' && position <= (lsnCommit ?? 0))
  if (isBetween) {
    return { kind: 'stream', skipBefore: lsnCommit ?? position, lastCommit: lsnCommit, open: [] }
  }
  // A heartbeat between the snapshot and the first change.
  if (type === undefined && lsnProc === null) {
    return { kind: 'stream', skipBefore: position, lastCommit: null, open: [] }
  }
  const done = type === undefined || (typeof type === 'string' && rowTypes.has(type))
  const open = done
    ? [
        {
          txId: numberOf(offset, 'txId'),
          lsn: position,
          nth: numberOf(offset, 'lsn_events_processed') ?? 1,
          mayBePart: isOfDebezium(offset),
        },
      ]
    : []
  // No commit was read yet: nothing precedes the open transaction but what the slot still sends.
  return { kind: 'stream', skipBefore: lsnCommit ?? 0, lastCommit: lsnCommit, open }
}

const rowTypes = new Set(['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'MESSAGE'])

/** The LSN up to which everything is captured, so that the slot may confirm it (I2); null during a snapshot. */
export function confirmableLsn(offset: SourceOffset): number | null {
  if (isSnapshot(offset)) return null
  return numberOf(offset, 'lsn_commit')
}

/**
 * The end of the captured WAL; null during a snapshot. The LSN of a row is where its WAL record begins, so at least one
 * byte after it was captured.
 */
export function lastCapturedLsn(offset: SourceOffset): number | null {
  const point = resumePoint(offset)
  if (point.kind === 'begin') return null
  const positions = ['lsn', 'lsn_proc', 'lsn_commit'].map((key) => numberOf(offset, key) ?? 0)
  return Math.max(...positions, ...point.open.map((open) => open.lsn + 1))
}

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
