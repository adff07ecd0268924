import type { ConnectValue, Schema } from 'penstock/api'

/** A value, a key or headers that an object holds. */
export interface StoredValue {
  readonly schema: Schema | null
  readonly value: ConnectValue
}

/** How the objects of a format are read. */
export interface RecordFormat {
  /** Reads an object, some records at a time, in their order. @throws DataError when the object is damaged */
  read(bytes: AsyncIterable<Buffer>): AsyncGenerator<readonly StoredValue[]>
}
