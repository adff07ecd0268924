import { DataError, type ConnectValue, type Schema } from 'penstock/api'

/**
 * Reads a value from Postgres's text form, the bytes [start, end). Never called for NULL. Throws on a text that it does
 * not understand to its end.
 */
export type ValueDecoder = (bytes: Buffer, start: number, end: number) => ConnectValue

/**
 * Told of a value that its type in records cannot hold, by the kind of such values: answers with the null that takes
 * its place, or throws, as `event.converting.failure.handling.mode` says.
 */
export type OnLoss = (what: string) => null

/** How a column's type appears in records. */
export interface ColumnType {
  /** Required and without default; the column adds both. */
  readonly schema: Schema
  readonly decode: ValueDecoder
  readonly isArray: boolean
  /** Stands in a before-image of identity columns for a NOT NULL column that it leaves out, as in Debezium; nowhere else. */
  readonly fallback: ConnectValue
  /** Stands for an unchanged out-of-line value that the log does not hold; undefined where the type has no room for it. */
  readonly placeholder: ConnectValue | undefined
}

/** An enum's value is not among the labels known: the type grew since the catalog was read. */
export class UnknownLabelError extends DataError {
  readonly typeOid: number
  readonly label: string

  constructor(typeOid: number, typeName: string, label: string) {
    super(`"${label}" is no known label of the enum ${typeName}`)
    this.typeOid = typeOid
    this.label = label
  }
}

export type DecimalMode = 'precise' | 'double' | 'string'
export type TimeMode =
  | 'adaptive'
  | 'adaptive_time_microseconds'
  | 'connect'
  | 'isostring'
  | 'microseconds'
  | 'nanoseconds'
export type BinaryMode = 'bytes' | 'base64' | 'base64-url-safe' | 'hex'

/** The options that decide how values appear. */
export interface ValueModes {
  readonly decimal: DecimalMode
  readonly time: TimeMode
  readonly binary: BinaryMode
  readonly interval: 'numeric' | 'string'
  readonly hstore: 'json' | 'map'
  readonly moneyDigits: number
  readonly includeUnknown: boolean
  /** Text, or raw bytes when the option begins with `hex:`. */
  readonly placeholder: Buffer
}
