import {
  primitive,
  type Clock,
  type ConnectValue,
  type Header,
  type SourceOffset,
  type SourceRecord,
} from 'penstock/api'
import { sourcePartition } from '../offsets/source-offset.ts'
import type { LogicalMessage } from '../replication/pgoutput.ts'
import type { Row } from '../replication/row-reader.ts'
import type { TableShape } from '../schema/table-shape.ts'
import { keyTexts, type UnreadableRow } from './unreadable-row.ts'
import { messageKeySchema, type MessageForm } from './logical-message.ts'

export const versionHeader = '__penstock.version'
/** Lists columns whose unchanged TOAST value is neither in the WAL nor replaced by a placeholder: sinks keep their value. */
export const unchangedHeader = '__penstock.unchanged'

/** The version of the snapshot rows when the snapshot is ahead of this change and the change lacks unchanged TOAST values. */
export const aheadHeader = '__penstock.ahead'

/** Lists key columns with a substitute value, because the WAL does not hold them: the deletion may be of another row. */
export const unknownHeader = '__penstock.unknown'

/** Properties that all records of a connector share. */
export interface RecordIdentity {
  readonly prefix: string
  readonly database: string
  readonly taskId: string
  readonly connectorVersion: string
  readonly extendedHeaders: boolean
  readonly tombstones: boolean
  readonly messages: MessageForm
}

/** Position, time and offsets of a change. Hot path: callers reuse one object for all changes. */
export interface ChangeContext {
  readonly snapshot: string
  readonly sequence: string
  readonly lsn: number
  readonly txId: number | null
  /** Commit time of the transaction, or time of the snapshot, in microseconds of the epoch. */
  readonly micros: number
  /** The row version, see `offsets/row-version.ts`. */
  readonly version: bigint
  /** The value of {@link aheadHeader}; null for no header. */
  readonly ahead: bigint | null
  /** The source offset after the change. */
  readonly offset: SourceOffset
  /** The source offset before it, for all records of the change but the last. */
  readonly offsetBefore: SourceOffset
}

/** The images of a changed row. Hot path: callers reuse one object for all changes. */
export interface ChangedRow {
  readonly old: Row | null
  readonly row: Row | null
  /** The value of {@link unchangedHeader}; null for no header. */
  readonly lost: readonly string[] | null
  /** The value of {@link unknownHeader}; null for no header. */
  readonly unknownKey: readonly string[] | null
}

const string = primitive('STRING')
const int64 = primitive('INT64')
const noTable = { schema: '', name: '' }

/** Builds Debezium's records. Values are positional arrays; nothing is looked up by name. */
export class RecordBuilder {
  readonly #identity: RecordIdentity
  readonly #clock: Clock
  readonly #partition: ReturnType<typeof sourcePartition>
  readonly #contextHeaders: readonly Header[]
  #nowMs = -1
  #nowMicros = 0
  #nowNanos: bigint = 0n
  #originMicros = -1
  #originNanos: bigint = 0n

  constructor(identity: RecordIdentity, clock: Clock) {
    this.#identity = identity
    this.#clock = clock
    this.#partition = sourcePartition(identity.prefix)
    this.#contextHeaders = identity.extendedHeaders
      ? [
          { key: '__debezium.context.connectorLogicalName', schema: string, value: identity.prefix },
          { key: '__debezium.context.taskId', schema: string, value: identity.taskId },
          { key: '__debezium.context.connectorName', schema: string, value: 'postgresql' },
        ]
      : []
  }

  /** The record of a row that was read, inserted or updated. */
  row(op: 'r' | 'c' | 'u', shape: TableShape, { old, row, lost }: ChangedRow, context: ChangeContext): SourceRecord {
    const value = this.#envelope(op, shape, old, row, context)
    const headers = naming(unchangedHeader, lost, withSnapshot(context, this.#headers(context, null)))
    return this.#record(shape, keyOf(row), value, headers, context.offset)
  }

  /** A row that cannot be read: its columns are texts, for a dead letter. */
  unreadable(op: 'r' | 'c' | 'u' | 'd', shape: TableShape, row: UnreadableRow, context: ChangeContext): SourceRecord {
    const { before, after, error: failure } = row
    const record = this.#record(
      shape,
      keyTexts(row, shape),
      { op, before, after },
      this.#headers(context, null),
      context.offset,
    )
    return { ...record, keySchema: null, valueSchema: null, failure }
  }

  get writesTombstones(): boolean {
    return this.#identity.tombstones
  }

  /** A deletion and its tombstone. The tombstone completes the change, so the deletion carries the offset before it (I2). */
  deletion(shape: TableShape, { old, unknownKey }: ChangedRow, context: ChangeContext): SourceRecord[] {
    const { offset, offsetBefore } = context
    const headers = naming(unknownHeader, unknownKey, this.#headers(context, null))
    const value = this.#envelope('d', shape, old, null, context)
    const key = keyOf(old)
    if (!this.#identity.tombstones) return [this.#record(shape, key, value, headers, offset)]
    return [this.#record(shape, key, value, headers, offsetBefore), this.#tombstone(shape, key, headers, offset)]
  }

  /** An update of the key: a deletion of the old key, and a creation under the new key. */
  keyChange(shape: TableShape, { old, row, lost, unknownKey }: ChangedRow, context: ChangeContext): SourceRecord[] {
    const { offset, offsetBefore } = context
    const [oldKey, newKey] = [keyOf(old), keyOf(row)]
    const { keySchema: schema } = shape
    const newKeyHeader = { key: '__debezium.newkey', schema, value: newKey }
    const gone = naming(unknownHeader, unknownKey, this.#headers(context, newKeyHeader))
    const records = [this.#record(shape, oldKey, this.#envelope('d', shape, old, null, context), gone, offsetBefore)]
    if (this.#identity.tombstones) records.push(this.#tombstone(shape, oldKey, gone, offsetBefore))
    const oldKeyHeader = { key: '__debezium.oldkey', schema, value: oldKey }
    const created = withSnapshot(context, this.#headers(context, oldKeyHeader))
    const headers = naming(unknownHeader, unknownKey, naming(unchangedHeader, lost, created))
    records.push(this.#record(shape, newKey, this.#envelope('c', shape, null, row, context), headers, offset))
    return records
  }

  truncation(shape: TableShape, context: ChangeContext): SourceRecord {
    const value = this.#envelope('t', shape, null, null, context)
    return { ...this.#record(shape, null, value, this.#headers(context, null), context.offset), keySchema: null }
  }

  /** Returns whether logical messages with this prefix are captured. */
  includesMessage(prefix: string): boolean {
    return this.#identity.messages.includes(prefix)
  }

  /** The record of a logical message. Has no context headers, as in Debezium. */
  message(message: LogicalMessage, context: ChangeContext): SourceRecord {
    const { messages } = this.#identity
    const nowMs = Math.floor(this.#clock.now())
    return {
      topic: messages.topic,
      partition: null,
      keySchema: messageKeySchema,
      key: [message.prefix],
      valueSchema: messages.valueSchema,
      value: messages.value(message, this.#source(noTable, context), nowMs),
      timestamp: null,
      headers: [{ key: versionHeader, schema: int64, value: context.version }],
      sourcePartition: this.#partition,
      sourceOffset: context.offset,
    }
  }

  // oxlint-disable-next-line max-params -- hot path: an object would be allocated for every row
  #envelope(
    op: string,
    shape: TableShape,
    before: Row | null,
    after: Row | null,
    context: ChangeContext,
  ): readonly ConnectValue[] {
    const now = this.#clock.now()
    if (now !== this.#nowMs) {
      this.#nowMs = now
      this.#nowMicros = Math.floor(now * 1000)
      this.#nowNanos = BigInt(this.#nowMicros) * 1000n
    }
    return [
      before === null ? null : before.values,
      after === null ? null : after.values,
      this.#source(shape, context),
      null,
      op,
      Math.floor(now),
      this.#nowMicros,
      this.#nowNanos,
    ]
  }

  #source(shape: Pick<TableShape, 'schema' | 'name'>, context: ChangeContext): readonly ConnectValue[] {
    const { micros } = context
    if (micros !== this.#originMicros) {
      this.#originMicros = micros
      this.#originNanos = BigInt(micros) * 1000n
    }
    return [
      this.#identity.connectorVersion,
      'postgresql',
      this.#identity.prefix,
      Math.floor(micros / 1000),
      context.snapshot,
      this.#identity.database,
      context.sequence,
      micros,
      this.#originNanos,
      shape.schema,
      shape.name,
      context.txId,
      context.lsn,
      null,
    ]
  }

  #headers(context: ChangeContext, first: Header | null): readonly Header[] {
    const version = { key: versionHeader, schema: int64, value: context.version }
    const shared = this.#contextHeaders
    // Hot path: nearly every record has this header only, and spreading the empty list costs more than building it.
    if (first === null && shared.length === 0) return [version]
    return first === null ? [...shared, version] : [first, ...shared, version]
  }

  // oxlint-disable-next-line max-params -- hot path: an object would be allocated for every row
  #record(
    shape: TableShape,
    key: ConnectValue,
    value: ConnectValue,
    headers: readonly Header[],
    sourceOffset: SourceOffset,
  ): SourceRecord {
    return {
      topic: shape.topic,
      partition: null,
      keySchema: shape.keySchema,
      key,
      valueSchema: shape.envelopeSchema,
      value,
      timestamp: null,
      headers,
      sourcePartition: this.#partition,
      sourceOffset,
    }
  }

  #tombstone(shape: TableShape, key: ConnectValue, headers: readonly Header[], offset: SourceOffset): SourceRecord {
    return { ...this.#record(shape, key, null, headers, offset), valueSchema: null }
  }
}

function keyOf(row: Row | null): ConnectValue {
  return row === null ? null : row.key
}

/** Adds {@link aheadHeader} when a snapshot is ahead of the change. */
function withSnapshot({ ahead }: ChangeContext, headers: readonly Header[]): readonly Header[] {
  return ahead === null ? headers : [...headers, { key: aheadHeader, schema: int64, value: ahead }]
}

/** Adds a header that lists columns, when there are any. */
function naming(key: string, columns: readonly string[] | null, headers: readonly Header[]): readonly Header[] {
  return columns === null ? headers : [...headers, { key, schema: string, value: columns.join(',') }]
}
