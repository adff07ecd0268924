import { DataError } from './errors.ts'

/** The Connect type of a value. {@link ConnectValue} lists the values of each type. */
export type SchemaType =
  | 'INT8'
  | 'INT16'
  | 'INT32'
  | 'INT64'
  | 'FLOAT32'
  | 'FLOAT64'
  | 'BOOLEAN'
  | 'STRING'
  | 'BYTES'
  | 'ARRAY'
  | 'MAP'
  | 'STRUCT'

/** A field of a STRUCT. `index` is the position of its value in the struct's array. */
export interface Field {
  readonly name: string
  readonly index: number
  readonly schema: Schema
}

/**
 * A Connect schema. Immutable. Converters and sinks cache compiled forms by object identity, so a source should use the same
 * object until the schema changes.
 */
export interface Schema {
  readonly type: SchemaType
  readonly optional: boolean
  /** The semantic type, such as `io.debezium.time.Timestamp`; null if there is none. */
  readonly name: string | null
  readonly version: number | null
  readonly doc: string | null
  readonly parameters: Readonly<Record<string, string>> | null
  /** The default value; undefined if there is none. Null is a possible default of an optional schema. */
  readonly defaultValue: ConnectValue | undefined
  /** STRUCT only; empty for other types. */
  readonly fields: readonly Field[]
  /** MAP only. */
  readonly keySchema: Schema | null
  /** MAP and ARRAY only. */
  readonly valueSchema: Schema | null
}

/** The values of a STRUCT, in the order of its schema's fields. */
export type StructValue = readonly ConnectValue[]

/** A map without a schema, from a JSON object. */
export interface PlainMap {
  readonly [key: string]: ConnectValue
}

/**
 * A value of Connect data in memory.
 *
 * | schema | value |
 * |---|---|
 * | INT8, INT16, INT32, FLOAT32, FLOAT64 | number |
 * | INT64 | number if it is a safe integer, otherwise bigint; readers must accept both |
 * | BOOLEAN, STRING | boolean, string |
 * | BYTES | Uint8Array |
 * | BYTES named `org.apache.kafka.connect.data.Decimal` | string: the exact decimal text, scale kept (`"12.50"`) |
 * | INT32/INT64 named Date, Time, Timestamp of Connect | the primitive: days, ms of day, ms of epoch |
 * | ARRAY | array |
 * | MAP | Map |
 * | STRUCT | array, positional by the schema's fields |
 * | no schema | JSON values: null, boolean, number, bigint (integers past 2^53), string, array, plain object; Uint8Array |
 */
export type ConnectValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly ConnectValue[]
  | ReadonlyMap<ConnectValue, ConnectValue>
  | PlainMap

/** Attributes of a new schema that differ from the defaults. */
export interface SchemaOptions {
  readonly optional?: boolean
  readonly name?: string
  readonly version?: number
  readonly doc?: string
  readonly parameters?: Readonly<Record<string, string>>
  readonly defaultValue?: ConnectValue
}

function make(
  type: SchemaType,
  options: SchemaOptions,
  nested: { fields?: readonly Field[]; keySchema?: Schema; valueSchema?: Schema } = {},
): Schema {
  return {
    type,
    optional: options.optional ?? false,
    name: options.name ?? null,
    version: options.version ?? null,
    doc: options.doc ?? null,
    parameters: options.parameters ?? null,
    defaultValue: options.defaultValue,
    fields: nested.fields ?? [],
    keySchema: nested.keySchema ?? null,
    valueSchema: nested.valueSchema ?? null,
  }
}

/** Returns a schema of a primitive type. */
export function primitive(type: Exclude<SchemaType, 'ARRAY' | 'MAP' | 'STRUCT'>, options: SchemaOptions = {}): Schema {
  return make(type, options)
}

/** Returns an ARRAY of `valueSchema`. */
export function arrayOf(valueSchema: Schema, options: SchemaOptions = {}): Schema {
  return make('ARRAY', options, { valueSchema })
}

/** Returns a MAP from `keySchema` to `valueSchema`. */
export function mapOf(keySchema: Schema, valueSchema: Schema, options: SchemaOptions = {}): Schema {
  return make('MAP', options, { keySchema, valueSchema })
}

/**
 * Returns a STRUCT of the given fields, in order.
 * @throws DataError if a name occurs twice.
 */
export function struct(
  fields: readonly (readonly [name: string, schema: Schema])[],
  options: SchemaOptions = {},
): Schema {
  const seen = new Set<string>()
  for (const [name] of fields) {
    if (seen.has(name)) throw new DataError(`Cannot create field because of field name duplication ${name}`)
    seen.add(name)
  }
  return make('STRUCT', options, { fields: fields.map(([name, schema], index) => ({ name, index, schema })) })
}

/** Returns the schema with some attributes replaced. */
export function withOptions(schema: Schema, options: SchemaOptions): Schema {
  return {
    ...schema,
    optional: options.optional ?? schema.optional,
    name: options.name ?? schema.name,
    version: options.version ?? schema.version,
    doc: options.doc ?? schema.doc,
    parameters: options.parameters ?? schema.parameters,
    defaultValue: 'defaultValue' in options ? options.defaultValue : schema.defaultValue,
  }
}

const fieldIndexes = new WeakMap<Schema, ReadonlyMap<string, Field>>()

/** Returns the field of a STRUCT by name, in constant time; undefined if there is none. */
export function fieldOf(schema: Schema, name: string): Field | undefined {
  let index = fieldIndexes.get(schema)
  if (index === undefined) {
    index = new Map(schema.fields.map((field) => [field.name, field]))
    fieldIndexes.set(schema, index)
  }
  return index.get(name)
}

/** Names of Connect's own logical types. */
export const Logical = {
  decimal: 'org.apache.kafka.connect.data.Decimal',
  date: 'org.apache.kafka.connect.data.Date',
  time: 'org.apache.kafka.connect.data.Time',
  timestamp: 'org.apache.kafka.connect.data.Timestamp',
} as const
