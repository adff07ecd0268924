import { DataError, type SourceOffset, type SourceRecord } from 'penstock/api'
import type { CommittedTransaction } from '../offsets/offset-tracker.ts'
import type { MessageType } from '../offsets/source-offset.ts'
import type { ChangeContext, RecordBuilder } from '../records/record-builder.ts'
import { changesKey, imageTexts, type UnreadableRow } from '../records/unreadable-row.ts'
import { fullName } from '../schema/sql-text.ts'
import type { TableRegistry } from '../schema/table-registry.ts'
import type { Relation, TableShape } from '../schema/table-shape.ts'
import { UnknownLabelError } from '../values/column-type.ts'
import { UnrepresentableError } from '../values/conversion-failures.ts'
import { ChangeOffsets, type StreamStart } from './change-offsets.ts'
import { DeferredKeyTracker, type KeyHolder } from './deferred-key-tracker.ts'
import {
  messageTag,
  readBegin,
  readCommitEnd,
  readMessage,
  readRelation,
  readTruncated,
  type Begin,
  type LogicalMessage,
} from './pgoutput.ts'
import { keyChanged, RowImages } from './row-reader.ts'
import { TransactionCursor, type Transaction } from './transaction-cursor.ts'

const noRecords: readonly SourceRecord[] = []
/** The operation of a row's message, and its type in offsets. */
const rowMessages: ReadonlyMap<number, readonly [op: 'c' | 'u' | 'd', type: MessageType]> = new Map([
  [messageTag.insert, ['c', 'INSERT']],
  [messageTag.update, ['u', 'UPDATE']],
  [messageTag.delete, ['d', 'DELETE']],
])

/** A catalog entry that must be read before a message can be decoded. */
export type MissingSchema =
  | { readonly kind: 'relation'; readonly relation: Relation }
  | { readonly kind: 'label'; readonly error: UnknownLabelError }

/** Receives what the messages of the stream yield. */
export interface ChangeSink {
  /** @param isLast whether it is the last record of a change: all records of a change follow each other */
  push(record: SourceRecord, bytes: number, isLast: boolean): void
  /** A transaction was read completely. */
  onCommit(transaction: CommittedTransaction): void
}

export interface ChangeEventDecoderOptions {
  readonly tables: TableRegistry
  readonly records: RecordBuilder
  readonly sink: ChangeSink
  readonly skippedOperations: ReadonlySet<string>
  readonly start: StreamStart
}

/** Decodes pgoutput messages into records. Synchronous, and independent of sockets. */
export class ChangeEventDecoder {
  readonly #tables: TableRegistry
  readonly #records: RecordBuilder
  readonly #sink: ChangeSink
  readonly #skippedOperations: ReadonlySet<string>
  readonly #ahead: StreamStart['ahead']
  readonly #keys = new DeferredKeyTracker()
  readonly #cursor: TransactionCursor
  readonly #offsets: ChangeOffsets
  readonly #images = new RowImages()
  /**
   * The last change: its last record, the records before that, and the size of each. The offset of the last record depends on
   * whether the next change has the same LSN. They are emitted together: a stop between them would repeat some of them.
   */
  #held: SourceRecord | null = null
  #heldBefore = noRecords
  #heldSize = 0
  /** The last table of the transaction whose rows were reported. */
  #reported: TableShape | null = null
  /** The relation whose catalog entry was read for the next message. */
  #fetchedRelation: number | null = null

  constructor({ tables, records, sink, skippedOperations, start }: ChangeEventDecoderOptions) {
    this.#tables = tables
    this.#records = records
    this.#sink = sink
    this.#skippedOperations = skippedOperations
    this.#ahead = start.ahead
    this.#cursor = new TransactionCursor(start.resume, start.lineage.epoch)
    this.#offsets = new ChangeOffsets(start)
  }

  /** Continues from an offset that was stored without a record: the end of the snapshot, of a transaction or of the WAL. */
  advance(position: SourceOffset, doneBefore: number | null): void {
    this.#offsets.advance(position, doneBefore)
  }

  get inTransaction(): boolean {
    return this.#cursor.isOpen
  }

  /** The catalog entry that {@link read} returned has been read; the same message follows. */
  onSchemaFetched(missing: MissingSchema): void {
    if (missing.kind === 'relation') this.#fetchedRelation = missing.relation.oid
  }

  /** Decodes one message. Returns null, or what must be read from the catalog before the message is passed again. */
  read(bytes: Buffer, start: number, end: number, lsn: number): MissingSchema | null {
    switch (bytes[start]) {
      case messageTag.insert:
      case messageTag.update:
      case messageTag.delete:
        return this.#onRow(bytes, start, end, lsn)
      case messageTag.begin:
        this.#onBegin(readBegin(bytes, start))
        return null
      case messageTag.commit:
        this.#onCommit(readCommitEnd(bytes, start))
        return null
      case messageTag.relation:
        return this.#onRelation(readRelation(bytes, start))
      case messageTag.truncate:
        this.#onTruncate(readTruncated(bytes, start), lsn, end - start)
        return null
      case messageTag.message:
        this.#onMessage(readMessage(bytes, start), lsn, end - start)
        return null
      case messageTag.origin:
        this.#cursor.onOrigin()
        return null
      case messageTag.type:
        return null
      default:
        throw new DataError(
          `unknown pgoutput message "${String.fromCharCode(bytes[start] ?? 0)}" in the replication stream`,
        )
    }
  }

  #onBegin(begin: Begin): void {
    this.#cursor.begin(begin)
    this.#keys.begin()
    this.#ahead.reach(begin.finalLsn)
    this.#reported = null
  }

  #onCommit(endLsn: number): void {
    this.#release()
    const transaction = this.#cursor.current
    const { xid, micros, index, skipped } = transaction
    const latest = this.#offsets.onCommit(transaction, endLsn)
    this.#cursor.onCommit()
    this.#sink.onCommit({ endLsn, xid, micros, latest, changes: skipped ? 0 : index })
  }

  /** Describes a table as of the rows that follow. The catalog knows more, but may have been read too early. */
  #onRelation(relation: Relation): MissingSchema | null {
    const isFetched = this.#fetchedRelation === relation.oid
    if (!isFetched && !this.#tables.isKnown(relation, this.#cursor.current.finalLsn)) {
      return { kind: 'relation', relation }
    }
    this.#fetchedRelation = null
    this.#tables.define(relation)
    return null
  }

  #onRow(bytes: Buffer, start: number, end: number, lsn: number): MissingSchema | null {
    const transaction = this.#cursor.current
    const shape = this.#tables.get(bytes.readUInt32BE(start + 1))
    if (shape === undefined) throw new DataError('a row arrived for a table without a Relation message')
    const isNew = this.#cursor.count(lsn)
    if (isNew) {
      this.#onChange()
      if (shape !== this.#reported) this.#report(shape, transaction)
    }
    const mayBePart = !isNew && this.#cursor.mayBePart
    if (!shape.captured || (!isNew && !mayBePart && (transaction.skipped || !shape.keyDeferred))) return null
    try {
      this.#images.read(bytes, start + 5, end, shape)
      const tag = bytes[start] ?? 0
      if (isNew) this.#emit(tag, shape, end - start)
      else if (mayBePart && this.#hasSeveralRecords(tag)) this.#emitAgain(tag, shape, end - start)
      else if (shape.keyDeferred) this.#trackKey(shape)
      return null
    } catch (error) {
      if (error instanceof UnrepresentableError) {
        if (mayBePart) this.#rewind(shape)
        const row = { ...imageTexts(bytes, start + 5, end, shape), error }
        if (isNew || mayBePart) this.#emitUnreadable(bytes[start] ?? 0, row, shape, end - start)
        return null
      }
      if (!(error instanceof UnknownLabelError)) throw error
      this.#cursor.uncount()
      return { kind: 'label', error }
    }
  }

  /** One record for the whole change, also for one of the key: which values changed is unknown. */
  #emitUnreadable(tag: number, row: UnreadableRow, shape: TableShape, size: number): void {
    const [op, type] = rowMessages.get(tag) ?? (['u', 'UPDATE'] as const)
    const skips = this.#skippedOperations
    const parts = op === 'u' && changesKey(row, shape) ? (['c', 'd'] as const) : [op]
    if (parts.every((part) => skips.has(part))) return
    this.#hold(this.#records.unreadable(op, shape, row, this.#context(type)), size)
  }

  /** Whether the change has several records, of those that are not skipped. */
  #hasSeveralRecords(tag: number): boolean {
    const skips = this.#skippedOperations
    if (skips.has('d')) return false
    if (tag === messageTag.delete) return this.#records.writesTombstones
    const { old, row } = this.#images
    if (old === null || row === null || !keyChanged(old, row)) return false
    return this.#records.writesTombstones || !skips.has('c')
  }

  /** Emits a change of which perhaps only the first records were emitted before a restart. */
  #emitAgain(tag: number, shape: TableShape, size: number): void {
    this.#rewind(shape)
    this.#emit(tag, shape, size)
  }

  #rewind(shape: TableShape): void {
    this.#offsets.rewind()
    if (shape !== this.#reported) this.#report(shape, this.#cursor.current)
  }

  /** A change that was not emitted before a restart: now the offset of the one before it is known. */
  #onChange(): void {
    const offsets = this.#offsets
    const sharesLsn = this.#cursor.nth > 1
    if (sharesLsn && this.#held !== null) this.#held = { ...this.#held, sourceOffset: offsets.partOffset(this.#cursor) }
    this.#release()
    if (!sharesLsn) offsets.beginLsn()
  }

  #release(): void {
    const held = this.#held
    if (held === null) return
    this.#held = null
    if (this.#heldBefore.length > 0) {
      for (const record of this.#heldBefore) this.#sink.push(record, this.#heldSize, false)
      this.#heldBefore = noRecords
    }
    this.#sink.push(held, this.#heldSize, true)
    this.#offsets.position = held.sourceOffset
  }

  /** Holds the records of a change, of which only the last one carries the offset after it (I2). */
  #holdAll(before: readonly SourceRecord[], last: SourceRecord, size: number): void {
    this.#heldBefore = before
    this.#hold(last, size)
  }

  #hold(record: SourceRecord, size: number): void {
    this.#held = record
    this.#heldSize = size
  }

  #report(shape: TableShape, { finalLsn }: Transaction): void {
    this.#reported = shape
    this.#tables.onRows(shape, finalLsn)
  }

  #emit(tag: number, announced: TableShape, size: number): void {
    const { old, row, nulls } = this.#images
    const shape = nulls === null ? announced : this.#tables.widen(announced, nulls)
    this.#ahead.onChange(shape, this.#images)
    const holder = shape.keyDeferred ? this.#trackKey(shape) : 'only'
    if (holder === 'unclear') this.#tables.context.failures.keyReused(fullName(shape))
    if (tag === messageTag.delete) {
      if (old === null) throw new DataError('a Delete message arrived without the old row')
      if (holder !== 'first') this.#emitDeletion(shape, size)
      return
    }
    if (row === null) throw new DataError('an Insert or Update message arrived without the new row')
    if (tag === messageTag.insert) this.#emitRow('c', shape, size)
    else if (old !== null && keyChanged(old, row)) this.#emitKeyChange(shape, size, holder)
    else this.#emitRow('u', shape, size)
  }

  /** Tracks which row has which key inside the transaction. */
  #trackKey(shape: TableShape): KeyHolder {
    const { old, row } = this.#images
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

  #emitRow(op: 'c' | 'u', shape: TableShape, size: number): void {
    if (this.#skippedOperations.has(op)) return
    const context = this.#context(op === 'c' ? 'INSERT' : 'UPDATE')
    this.#hold(this.#records.row(op, shape, this.#images, context), size)
  }

  #emitDeletion(shape: TableShape, size: number): void {
    if (this.#skippedOperations.has('d')) return
    this.#reportUnknownKey(shape)
    const records = this.#records.deletion(shape, this.#images, this.#context('DELETE'))
    const last = records.pop()
    if (last !== undefined) this.#holdAll(records, last, size)
  }

  /** An update of the key: a deletion and a creation, each of which may be skipped. Skipping updates does not skip it. */
  #emitKeyChange(shape: TableShape, size: number, holder: KeyHolder): void {
    const skips = this.#skippedOperations
    if (skips.has('c') && skips.has('d')) return
    this.#reportUnknownKey(shape)
    const context = this.#context('UPDATE')
    const { offset } = context
    const records = this.#records.keyChange(shape, this.#images, context)
    // Another row has the old key already: a deletion of the key would delete that row (I12).
    const first = holder === 'first' || skips.has('d') ? records.length - 1 : 0
    const end = skips.has('c') ? records.length - 1 : records.length
    const emitted = records.slice(first, end)
    const last = emitted.pop()
    if (last !== undefined) this.#holdAll(emitted, { ...last, sourceOffset: offset }, size)
  }

  /** Reports columns of the old key that the WAL does not hold. */
  #reportUnknownKey(shape: TableShape): void {
    const { unknownKey } = this.#images
    if (unknownKey !== null) this.#tables.context.failures.keyUnknown(fullName(shape), unknownKey)
  }

  #onTruncate(oids: readonly number[], lsn: number, size: number): void {
    const transaction = this.#cursor.current
    const isNew = this.#cursor.count(lsn)
    if (isNew) this.#onChange()
    if (this.#skippedOperations.has('t')) return
    const all = oids.flatMap((oid) => this.#tables.get(oid) ?? [])
    if (!isNew) {
      if (!this.#cursor.mayBePart || all.filter((shape) => shape.captured).length < 2) return
      this.#offsets.rewind()
    }
    for (const shape of all) {
      this.#report(shape, transaction)
      this.#ahead.onTruncate(shape.oid)
    }
    const context = this.#context('TRUNCATE')
    const records = all.filter((shape) => shape.captured).map((shape) => this.#records.truncation(shape, context))
    const last = records.pop()
    if (last === undefined) return
    const before = Array.from(records, (record) => ({ ...record, sourceOffset: context.offsetBefore }))
    this.#holdAll(before, last, size)
  }

  #onMessage(message: LogicalMessage, frameLsn: number, size: number): void {
    const isIncluded = this.#records.includesMessage(message.prefix)
    if (message.transactional) {
      if (!this.#cursor.count(frameLsn)) return
      this.#onChange()
      if (isIncluded) this.#emitMessage(message, this.#offsets.context('MESSAGE', this.#cursor, false), size)
    } else if (isIncluded && message.lsn > this.#cursor.skipBefore) {
      this.#emitMessage(message, this.#offsets.messageContext(message.lsn), size)
      this.#release()
    }
  }

  #emitMessage(message: LogicalMessage, context: ChangeContext, size: number): void {
    this.#hold(this.#records.message(message, context), size)
  }

  #context(type: MessageType): ChangeContext {
    return this.#offsets.context(type, this.#cursor, this.#images.unchanged.length > 0)
  }
}
