import type { ConnectValue, Schema, SinkRecord } from 'penstock/api'

/** Bytes of an object that still have to be packed, which is done off the thread when it is their turn. */
export interface Unpacked {
  /** Memory in bytes until they are packed. */
  readonly held: number
  /** Called once. The signal aborts when the object is given up. */
  pack(signal: AbortSignal): Promise<Buffer>
}

/** Writes the records of one object. One for each open object. */
export interface FormatWriter {
  /** Memory in bytes that is held for records and state. */
  readonly held: number
  /** Whether the caller should {@link drain}. */
  readonly isFull: boolean
  /**
   * Adds a record. Returns its size in bytes before compression.
   * @param value of the schema of the object: the record's value, perhaps projected, its key or its headers.
   * @throws DataError when it cannot be written; then nothing was added.
   */
  append(record: SinkRecord, value: ConnectValue): number
  /** Removes the record that was added last, before anything else is called. */
  takeBack(): void
  /** Returns the bytes that can be written now, and frees their memory; may be empty. */
  drain(): Buffer | Unpacked
  /** Returns the last bytes of the object, the footer included. */
  finish(): Buffer | Unpacked
}

/** A format of objects. */
export interface ObjectFormat {
  /** With its dot: `.json`, `.avro`, `.snappy.parquet`. */
  readonly extension: string
  readonly contentType: string
  /** Whether the upload may compress the stream (`s3.compression.type`). */
  readonly compressible: boolean
  /** The bytes behind each record, where only they tell where it ends; absent: the format tells it. */
  readonly separatorBytes?: number
  /**
   * Begins an object, which has at least one record.
   * @param schema of all values of the object.
   * @throws DataError when the format cannot hold values of the schema.
   */
  begin(schema: Schema | null): FormatWriter
  /**
   * Returns what two objects with the same first records begin with, whatever else their bytes are. Null for an object of another
   * format, or with more than `maxBytes` of it. Absent: the bytes of the object.
   */
  readonly contentOf?: (object: Buffer, maxBytes: number) => Promise<Buffer | null>
}
