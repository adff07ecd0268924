import { DataError, primitive, type ConnectValue, type Schema } from 'penstock/api'

/**
 * Decodes a value from Postgres' text format, the bytes [start, end). Never called for NULL. Throws when it cannot parse
 * the complete text.
 */
export type ValueDecoder = (bytes: Buffer, start: number, end: number) => ConnectValue

/**
 * Reports a value that its record type cannot represent, by the kind of such values. Returns the null that replaces it,
 * or throws, by `event.converting.failure.handling.mode`.
 */
export type OnUnrepresentable = (what: string) => null

/** The representation of a column's type in records. */
export interface ColumnType {
  /** Required and without default; the column adds both. */
  readonly schema: Schema
  readonly decode: ValueDecoder
  readonly isArray: boolean
  /** Replaces the value of a NOT NULL column that an old image of identity columns does not include, as in Debezium; used nowhere else. */
  readonly fallback: ConnectValue
  /** Replaces an unchanged TOAST value that is not in the WAL; undefined when the type cannot represent the placeholder. */
  readonly placeholder: ConnectValue | undefined
}

/** The text of a value does not have the format of its type. @param what as in `an integer` */
export function unparsable(what: string): DataError {
  return new DataError(`the text is not ${what} in the format of Postgres`)
}

/** An enum value is not among the known labels: a label was added after the catalog was read. */
export class UnknownLabelError extends DataError {
  readonly typeOid: number
  readonly label: string

  constructor(typeOid: number, typeName: string, label: string) {
    super(`"${label}" is not a known label of the enum ${typeName}`)
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

/** The options that decide how values are represented. */
export interface ValueModes {
  readonly decimal: DecimalMode
  readonly time: TimeMode
  readonly binary: BinaryMode
  readonly interval: 'numeric' | 'string'
  readonly hstore: 'json' | 'map'
  readonly moneyDigits: number
  readonly includeUnknown: boolean
  /** Text, or raw bytes when the option starts with `hex:`. */
  readonly placeholder: Buffer
}

/** A type without a placeholder. */
export function columnType(schema: Schema, decode: ValueDecoder, fallback: ColumnType['fallback']): ColumnType {
  return { schema, decode, isArray: false, fallback, placeholder: undefined }
}

/** A type that is represented as text. */
export function textType(
  modes: ValueModes,
  decode: ValueDecoder = decodeText,
  name?: string,
  fallback = '',
): ColumnType {
  const schema = primitive('STRING', name === undefined ? {} : { name, version: 1 })
  return { ...columnType(schema, decode, fallback), placeholder: modes.placeholder.toString('utf8') }
}

export const decodeText: ValueDecoder = (bytes, start, end) => bytes.toString('utf8', start, end)
