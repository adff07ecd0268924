import {
  primitive,
  type Clock,
  type ConnectValue,
  type Header,
  type SourceOffset,
  type SourceRecord,
} from 'penstock/api'
import { messageKeySchema, type MessageForm } from './logical-message.ts'
import type { LogicalMessage } from '../replication/pgoutput.ts'
import type { Row } from '../replication/row-reader.ts'
import { sourcePartition } from '../offsets/offset.ts'
import type { TableShape } from '../schema/table-shape.ts'

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

/** Position and time of a change, for its `source` block. */
export interface ChangeOrigin {
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
  row(
    shape: TableShape,
    op: 'r' | 'c' | 'u',
    before: Row | null,
    after: Row,
    origin: ChangeOrigin,
    offset: SourceOffset,
    unchanged: readonly string[] | null,
  ): SourceRecord {
    const value = this.#envelope(shape, op, before, after, origin)
    const headers = naming(unchangedHeader, unchanged, withSnapshot(origin, this.#headers(origin, null)))
    return this.#record(shape, after.key, value, headers, offset)
  }

  /** A deletion and its tombstone. The tombstone completes the change, so the deletion carries the offset before it (I2). */
  deletion(
    shape: TableShape,
    before: Row,
    origin: ChangeOrigin,
    offsetBefore: SourceOffset,
    offset: SourceOffset,
    unknown: readonly string[] | null,
  ): SourceRecord[] {
    const headers = naming(unknownHeader, unknown, this.#headers(origin, null))
    const value = this.#envelope(shape, 'd', before, null, origin)
    if (!this.#identity.tombstones) return [this.#record(shape, before.key, value, headers, offset)]
    return [
      this.#record(shape, before.key, value, headers, offsetBefore),
      this.#tombstone(shape, before.key, headers, offset),
    ]
  }

  /** An update of the key: a deletion of the old key, and a creation under the new key. */
  keyChange(
    shape: TableShape,
    before: Row,
    after: Row,
    origin: ChangeOrigin,
    offsetBefore: SourceOffset,
    offset: SourceOffset,
    unchanged: readonly string[] | null,
    unknown: readonly string[] | null,
  ): SourceRecord[] {
    const newKey = { key: '__debezium.newkey', schema: shape.keySchema, value: after.key }
    const gone = naming(unknownHeader, unknown, this.#headers(origin, newKey))
    const deletion = this.#envelope(shape, 'd', before, null, origin)
    const records = [this.#record(shape, before.key, deletion, gone, offsetBefore)]
    if (this.#identity.tombstones) records.push(this.#tombstone(shape, before.key, gone, offsetBefore))
    const oldKey = { key: '__debezium.oldkey', schema: shape.keySchema, value: before.key }
    const come = naming(
      unknownHeader,
      unknown,
      naming(unchangedHeader, unchanged, withSnapshot(origin, this.#headers(origin, oldKey))),
    )
    records.push(this.#record(shape, after.key, this.#envelope(shape, 'c', null, after, origin), come, offset))
    return records
  }

  truncation(shape: TableShape, origin: ChangeOrigin, offset: SourceOffset): SourceRecord {
    const value = this.#envelope(shape, 't', null, null, origin)
    return { ...this.#record(shape, null, value, this.#headers(origin, null), offset), keySchema: null }
  }

  /** Returns whether logical messages with this prefix are captured. */
  includesMessage(prefix: string): boolean {
    return this.#identity.messages.includes(prefix)
  }

  /** The record of a logical message. Has no context headers, as in Debezium. */
  message(message: LogicalMessage, origin: ChangeOrigin, offset: SourceOffset): SourceRecord {
    const { messages } = this.#identity
    const nowMs = Math.floor(this.#clock.now())
    return {
      topic: messages.topic,
      partition: null,
      keySchema: messageKeySchema,
      key: [message.prefix],
      valueSchema: messages.valueSchema,
      value: messages.value(message, this.#source(noTable, origin), nowMs),
      timestamp: null,
      headers: [{ key: versionHeader, schema: int64, value: origin.version }],
      sourcePartition: this.#partition,
      sourceOffset: offset,
    }
  }

  #envelope(
    shape: TableShape,
    op: string,
    before: Row | null,
    after: Row | null,
    origin: ChangeOrigin,
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
      this.#source(shape, origin),
      null,
      op,
      Math.floor(now),
      this.#nowMicros,
      this.#nowNanos,
    ]
  }

  #source(shape: Pick<TableShape, 'schema' | 'name'>, origin: ChangeOrigin): readonly ConnectValue[] {
    const { micros } = origin
    if (micros !== this.#originMicros) {
      this.#originMicros = micros
      this.#originNanos = BigInt(micros) * 1000n
    }
    return [
      this.#identity.connectorVersion,
      'postgresql',
      this.#identity.prefix,
      Math.floor(micros / 1000),
      origin.snapshot,
      this.#identity.database,
      origin.sequence,
      micros,
      this.#originNanos,
      shape.schema,
      shape.name,
      origin.txId,
      origin.lsn,
      null,
    ]
  }

  #headers(origin: ChangeOrigin, first: Header | null): readonly Header[] {
    const version = { key: versionHeader, schema: int64, value: origin.version }
    const context = this.#contextHeaders
    // Hot path: nearly every record has this header only, and spreading the empty list costs more than building it.
    if (first === null && context.length === 0) return [version]
    return first === null ? [...context, version] : [first, ...context, version]
  }

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

/** Adds {@link aheadHeader} when a snapshot is ahead of the change. */
function withSnapshot({ ahead }: ChangeOrigin, headers: readonly Header[]): readonly Header[] {
  return ahead === null ? headers : [...headers, { key: aheadHeader, schema: int64, value: ahead }]
}

/** Adds a header that lists columns, when there are any. */
function naming(key: string, columns: readonly string[] | null, headers: readonly Header[]): readonly Header[] {
  return columns === null ? headers : [...headers, { key, schema: string, value: columns.join(',') }]
}
