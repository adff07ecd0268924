import { DataError, type SourceOffset, type SourceRecord } from 'penstock/api'
import { UnknownLabelError } from '../values/column-type.ts'
import { CommitTimes } from './commit-times.ts'
import { KeyReuse, type Holder } from '../snapshot/key-reuse.ts'
import type { Line } from '../offsets/line.ts'
import { messageOffset, rowOffset, withLatest, type MessageType, type StreamPoint } from '../offsets/offset.ts'
import {
  messageTag,
  readBegin,
  readCommitEnd,
  readMessage,
  readRelation,
  readTruncated,
  type Begin,
} from './pgoutput.ts'
import type { CommittedTransaction } from '../offsets/progress.ts'
import type { ChangeOrigin, RecordBuilder } from '../records/record-builder.ts'
import { keyChanged, newImages, readImages, type Row, type RowImages } from './row-reader.ts'
import { firstVersion, versionAt } from '../offsets/row-version.ts'
import { SequenceText } from '../records/sequence-text.ts'
import type { SnapshotAhead } from '../snapshot/snapshot-ahead.ts'
import { fullName } from '../schema/table-filter.ts'
import type { Relation, TableShape } from '../schema/table-shape.ts'
import type { TableRegistry } from '../schema/table-registry.ts'

/** What must be read from the catalog before a message can be decoded. */
export type Missing =
  | { readonly kind: 'relation'; readonly relation: Relation }
  | { readonly kind: 'label'; readonly error: UnknownLabelError }

/** Receives what the messages of the stream yield. */
export interface ChangeSink {
  push(record: SourceRecord, bytes: number): void
  /** A transaction was read completely. */
  onCommit(transaction: CommittedTransaction): void
}

interface Transaction extends Begin {
  /** Whether it was committed before the resume point: nothing of it is emitted. */
  readonly skipped: boolean
  /** The last change that was emitted before a restart; null when none was. */
  readonly done: { readonly lsn: number; readonly nth: number } | null
  /** Number of changes read so far, including skipped ones, so that row versions are the same after a restart. */
  index: number
  readonly firstVersion: bigint
  /** Whether the server applied it from another server; it then has the commit time of its origin. */
  isForeign: boolean
}

/** Where a stream continues. */
export interface StreamStart {
  readonly line: Line
  readonly resume: StreamPoint
  /** The offset of the last change that was emitted completely. */
  readonly position: SourceOffset
  readonly advice: string
  readonly ahead: SnapshotAhead
}

/** Decodes pgoutput messages into records. Synchronous, and independent of sockets. */
export class ChangeStream {
  readonly #tables: TableRegistry
  readonly #records: RecordBuilder
  readonly #sink: ChangeSink
  readonly #skippedOperations: ReadonlySet<string>
  readonly #keys = new KeyReuse()
  readonly #line: Line
  readonly #times: CommitTimes
  readonly #ahead: SnapshotAhead
  #resume: StreamPoint
  #position: SourceOffset
  /** End of the last commit, for `source.sequence`; and the LSN before which everything is captured, for offsets. */
  #lastCommit: number | null
  #doneBefore: number | null
  #transaction: Transaction | null = null
  /** Commit time of the last transaction; a non-transactional message has no time of its own. */
  #committedAt: number
  /** The origin of the current change. One object for all changes: the hot path allocates nothing for it. */
  readonly #changeOrigin: { -readonly [Key in keyof ChangeOrigin]: ChangeOrigin[Key] }
  readonly #images: RowImages = newImages()
  readonly #sequence: SequenceText
  #lsn = 0
  #nth = 0
  /** The last table of the transaction whose rows were reported. */
  #told: TableShape | null = null

  constructor(
    tables: TableRegistry,
    records: RecordBuilder,
    sink: ChangeSink,
    skippedOperations: ReadonlySet<string>,
    start: StreamStart,
  ) {
    const { line, resume, position, ahead } = start
    this.#tables = tables
    this.#records = records
    this.#sink = sink
    this.#skippedOperations = skippedOperations
    this.#line = line
    this.#ahead = ahead
    this.#times = new CommitTimes(position, start.advice)
    this.#resume = resume
    this.#position = position
    this.#lastCommit = resume.lastCommit
    this.#doneBefore = resume.lastCommit
    this.#sequence = new SequenceText(resume.lastCommit)
    this.#committedAt = Number(position['ts_usec'] ?? 0)
    this.#changeOrigin = { snapshot: 'false', sequence: '', lsn: 0, txId: null, micros: 0, version: 0n, ahead: null }
  }

  /** Continues from an offset that was stored without a record: the end of the snapshot, of a transaction or of the WAL. */
  advance(position: SourceOffset, doneBefore: number | null): void {
    this.#position = position
    if (doneBefore !== null && doneBefore > (this.#doneBefore ?? 0)) this.#doneBefore = doneBefore
  }

  get inTransaction(): boolean {
    return this.#transaction !== null
  }

  /** Decodes one message. Returns null, or what must be read from the catalog before the message is passed again. */
  read(bytes: Buffer, start: number, end: number, lsn: number, answered: Missing | null): Missing | null {
    switch (bytes[start]) {
      case messageTag.insert:
      case messageTag.update:
      case messageTag.delete:
        return this.#change(bytes, start, end, lsn)
      case messageTag.begin:
        this.#begin(readBegin(bytes, start))
        return null
      case messageTag.commit:
        this.#commit(readCommitEnd(bytes, start))
        return null
      case messageTag.relation:
        return this.#relation(readRelation(bytes, start), answered)
      case messageTag.truncate:
        this.#truncate(readTruncated(bytes, start), lsn, end - start)
        return null
      case messageTag.message:
        this.#message(bytes, start, end - start, lsn)
        return null
      case messageTag.origin:
        if (this.#transaction !== null) this.#transaction.isForeign = true
        return null
      case messageTag.type:
        return null
      default:
        throw new DataError(
          `unknown pgoutput message "${String.fromCharCode(bytes[start] ?? 0)}" in the replication stream`,
        )
    }
  }

  #begin(begin: Begin): void {
    const skipped = begin.finalLsn < this.#resume.skipBefore
    const { open } = this.#resume
    const resumed = !skipped && open !== null && (open.txId === null || open.txId === begin.xid)
    if (resumed) this.#resume = { ...this.#resume, open: null }
    const done = resumed ? open : null
    const version = firstVersion(this.#line.epoch, begin.finalLsn)
    this.#transaction = { ...begin, skipped, done, index: 0, firstVersion: version, isForeign: false }
    this.#keys.begin()
    this.#ahead.reach(begin.finalLsn)
    this.#told = null
    this.#lsn = 0
  }

  #commit(endLsn: number): void {
    const transaction = this.#open()
    const { xid, micros, index, skipped } = transaction
    const latest = this.#times.onCommit(transaction)
    this.#transaction = null
    this.#committedAt = micros
    this.#onEnd(endLsn)
    this.#sink.onCommit({ endLsn, xid, micros, latest, changes: skipped ? 0 : index })
  }

  /** A transaction or non-transactional message ended there: everything before it was sent. */
  #onEnd(endLsn: number): void {
    if (endLsn > (this.#lastCommit ?? 0)) {
      this.#lastCommit = endLsn
      this.#sequence.onCommit(endLsn)
    }
    if (endLsn > (this.#doneBefore ?? 0)) this.#doneBefore = endLsn
  }

  #open(): Transaction {
    if (this.#transaction === null) throw new DataError('a change arrived outside a transaction')
    return this.#transaction
  }

  /** Describes a table as of the rows that follow. The catalog knows more, but may have been read too early. */
  #relation(relation: Relation, answered: Missing | null): Missing | null {
    const isAnswered = answered?.kind === 'relation' && answered.relation.oid === relation.oid
    if (!isAnswered && !this.#tables.isKnown(relation, this.#open().finalLsn)) return { kind: 'relation', relation }
    this.#tables.define(relation)
    return null
  }

  /** Counts a change. Returns false when it was emitted before a restart. */
  #count(transaction: Transaction, lsn: number): boolean {
    this.#nth = lsn === this.#lsn ? this.#nth + 1 : 1
    this.#lsn = lsn
    transaction.index += 1
    if (transaction.skipped) return false
    const { done } = transaction
    return done === null || lsn > done.lsn || (lsn === done.lsn && this.#nth > done.nth)
  }

  #change(bytes: Buffer, start: number, end: number, lsn: number): Missing | null {
    const transaction = this.#open()
    const shape = this.#tables.get(bytes.readUInt32BE(start + 1))
    if (shape === undefined) throw new DataError('a row arrived for a table without a Relation message')
    const { index } = transaction
    const counted = { lsn: this.#lsn, nth: this.#nth }
    const isNew = this.#count(transaction, lsn)
    if (isNew && shape !== this.#told) this.#tell(shape, transaction)
    if (!shape.captured || (!isNew && (transaction.skipped || !shape.keyDeferred))) return null
    try {
      readImages(bytes, start + 5, end, shape, this.#images)
      if (!isNew) {
        this.#holder(shape, this.#images)
        return null
      }
      this.#emitChange(bytes[start] ?? 0, end - start, shape, transaction, lsn)
      return null
    } catch (error) {
      if (!(error instanceof UnknownLabelError)) throw error
      transaction.index = index
      this.#lsn = counted.lsn
      this.#nth = counted.nth
      return { kind: 'label', error }
    }
  }

  #tell(shape: TableShape, { finalLsn }: Transaction): void {
    this.#told = shape
    this.#tables.onRows(shape, finalLsn)
  }

  #emitChange(tag: number, size: number, announced: TableShape, transaction: Transaction, lsn: number): void {
    const { old, row, lost, nulls } = this.#images
    const shape = nulls === null ? announced : this.#tables.widen(announced, nulls)
    this.#ahead.onChange(shape, this.#images)
    const holder = shape.keyDeferred ? this.#holder(shape, this.#images) : 'only'
    if (holder === 'unclear') this.#tables.context.losses.keyReused(fullName(shape))
    if (tag === messageTag.delete) {
      if (old === null) throw new DataError('a Delete message arrived without the old row')
      if (holder !== 'first') this.#delete(shape, old, transaction, lsn, size)
      return
    }
    if (row === null) throw new DataError('an Insert or Update message arrived without the new row')
    if (tag === messageTag.insert) this.#write('c', shape, null, row, transaction, lsn, size, null)
    else if (old !== null && keyChanged(old, row))
      this.#changeKey(shape, old, row, transaction, lsn, size, lost, holder)
    else this.#write('u', shape, old, row, transaction, lsn, size, lost)
  }

  /** Tracks which row has which key inside the transaction. */
  #holder(shape: TableShape, { old, row }: RowImages): Holder {
    if (old === null) {
      if (row !== null) this.#keys.take(shape, row, false)
      return 'only'
    }
    if (row === null) return this.#keys.leave(shape, old)
    if (!keyChanged(old, row)) return this.#keys.change(shape, old, row) === 'only' ? 'only' : 'unclear'
    const holder = this.#keys.leave(shape, old)
    this.#keys.take(shape, row, true)
    return holder
  }

  #write(
    op: 'c' | 'u',
    shape: TableShape,
    old: Row | null,
    row: Row,
    transaction: Transaction,
    lsn: number,
    size: number,
    lost: readonly string[] | null,
  ): void {
    if (this.#skippedOperations.has(op)) return
    const offset = this.#offset(op === 'c' ? 'INSERT' : 'UPDATE', transaction, lsn)
    this.#sink.push(this.#records.row(shape, op, old, row, this.#origin(transaction, lsn), offset, lost), size)
    this.#position = offset
  }

  #delete(shape: TableShape, old: Row, transaction: Transaction, lsn: number, size: number): void {
    if (this.#skippedOperations.has('d')) return
    const offset = this.#offset('DELETE', transaction, lsn)
    const records = this.#records.deletion(
      shape,
      old,
      this.#origin(transaction, lsn),
      this.#position,
      offset,
      this.#unknownKey(shape),
    )
    for (const record of records) this.#sink.push(record, size)
    this.#position = offset
  }

  /** An update of the key: a deletion and a creation, each of which may be skipped. Skipping updates does not skip it. */
  #changeKey(
    shape: TableShape,
    old: Row,
    row: Row,
    transaction: Transaction,
    lsn: number,
    size: number,
    lost: readonly string[] | null,
    holder: Holder,
  ): void {
    const skips = this.#skippedOperations
    if (skips.has('c') && skips.has('d')) return
    const offset = this.#offset('UPDATE', transaction, lsn)
    const origin = this.#origin(transaction, lsn)
    const unknown = this.#unknownKey(shape)
    const records = this.#records.keyChange(shape, old, row, origin, this.#position, offset, lost, unknown)
    // Another row has the old key already: a deletion of the key would delete that row (I12).
    const first = holder === 'first' || skips.has('d') ? records.length - 1 : 0
    const end = skips.has('c') ? records.length - 1 : records.length
    // Only the last record of the change carries the offset after it (I2).
    for (const [i, record] of records.slice(first, end).entries())
      this.#sink.push(first + i === end - 1 ? { ...record, sourceOffset: offset } : record, size)
    if (end > first) this.#position = offset
  }

  /** Columns of the old key that the WAL does not hold. */
  #unknownKey(shape: TableShape): readonly string[] | null {
    const { unknownKey } = this.#images
    if (unknownKey !== null) this.#tables.context.losses.keyUnknown(fullName(shape), unknownKey)
    return unknownKey
  }

  #truncate(oids: readonly number[], lsn: number, size: number): void {
    const transaction = this.#open()
    if (!this.#count(transaction, lsn) || this.#skippedOperations.has('t')) return
    const all = oids.flatMap((oid) => this.#tables.get(oid) ?? [])
    for (const shape of all) {
      this.#tell(shape, transaction)
      this.#ahead.onTruncate(shape.oid)
    }
    const shapes = all.filter((shape) => shape.captured)
    const offset = this.#offset('TRUNCATE', transaction, lsn)
    const origin = this.#origin(transaction, lsn)
    shapes.forEach((shape, i) => {
      const place = i === shapes.length - 1 ? offset : this.#position
      this.#sink.push(this.#records.truncation(shape, origin, place), size)
    })
    if (shapes.length > 0) this.#position = offset
  }

  /** A logical message. A non-transactional one completes everything before it, as a commit does. */
  #message(bytes: Buffer, start: number, size: number, frameLsn: number): void {
    const message = readMessage(bytes, start)
    const isIncluded = this.#records.includesMessage(message.prefix)
    if (message.transactional) {
      const transaction = this.#open()
      if (!this.#count(transaction, frameLsn) || !isIncluded) return
      const offset = this.#offset('MESSAGE', transaction, frameLsn)
      this.#sink.push(this.#records.message(message, this.#origin(transaction, frameLsn), offset), size)
      this.#position = offset
      return
    }
    const { lsn } = message
    if (!isIncluded || lsn <= this.#resume.skipBefore) return
    this.#onEnd(lsn)
    const micros = this.#committedAt
    this.#ahead.reach(lsn)
    const offset = this.#ahead.mark(withLatest(messageOffset(lsn, micros, this.#line), micros, this.#times.latest))
    const origin = {
      snapshot: 'false',
      sequence: this.#sequence.at(lsn),
      lsn,
      txId: null,
      micros,
      version: firstVersion(this.#line.epoch, lsn),
      ahead: null,
    }
    this.#sink.push(this.#records.message(message, origin, offset), size)
    this.#position = offset
  }

  #offset(type: MessageType, transaction: Transaction, lsn: number): SourceOffset {
    const { xid, micros } = transaction
    const offset = rowOffset(type, lsn, this.#doneBefore, xid, micros, this.#nth, this.#line)
    return this.#ahead.mark(withLatest(offset, micros, this.#times.latestWith(transaction)))
  }

  #origin(transaction: Transaction, lsn: number): ChangeOrigin {
    const origin = this.#changeOrigin
    origin.sequence = this.#sequence.at(lsn)
    origin.lsn = lsn
    origin.txId = transaction.xid
    origin.micros = transaction.micros
    origin.version = versionAt(transaction.firstVersion, transaction.index - 1)
    origin.ahead = this.#images.unchanged.length === 0 ? null : this.#ahead.version
    return origin
  }
}
