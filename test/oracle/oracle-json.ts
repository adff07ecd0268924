import {
  Logical,
  type ConnectRecord,
  type ConnectValue,
  type Header,
  type Schema,
  type SchemaType,
  type SinkRecord,
} from 'penstock/api'

/** The JSON form of a value, which its schema makes unambiguous: see `valueFromJson`. */
export type ValueJson = null | boolean | number | string | readonly ValueJson[] | { readonly [name: string]: ValueJson }

export interface SchemaJson {
  readonly type: SchemaType
  readonly optional?: boolean
  readonly name?: string
  readonly version?: number
  readonly doc?: string
  readonly parameters?: Readonly<Record<string, string>>
  readonly fields?: readonly { readonly name: string; readonly schema: SchemaJson }[]
  readonly keys?: SchemaJson
  readonly values?: SchemaJson
  readonly default?: ValueJson
}

export interface PartJson {
  readonly schema?: SchemaJson
  readonly value: ValueJson
}

/** A record of a sink if it has an offset, otherwise one of a source. */
export interface RecordJson {
  readonly topic: string
  readonly partition?: number | null
  readonly offset?: number
  readonly key?: PartJson
  readonly value?: PartJson
  readonly timestamp?: string | null
  readonly headers?: readonly (PartJson & { readonly name: string })[]
}

/** A transform or predicate, its settings, and the record that it is applied to. */
export interface CaseJson {
  readonly name: string
  readonly class: string
  readonly config: Readonly<Record<string, string>>
  readonly record: RecordJson
  /** What TimescaleDb is given instead of a database. */
  readonly chunks?: readonly ChunkJson[]
}

/** The schemas and names of a chunk, of its hypertable, and of the continuous aggregate that this holds, if it holds one. */
export type ChunkJson =
  | readonly [schema: string, table: string, schema: string, table: string]
  | readonly [schema: string, table: string, schema: string, table: string, schema: string, table: string]

export interface ErrorJson {
  readonly class: string
  readonly message: string | null
}

/** A key or value that changed, perhaps with the same schema. */
interface ChangedPartJson {
  readonly schema?: SchemaJson | 'unchanged'
  readonly value: ValueJson
}

/** What became of the record. */
export type ResultJson =
  | {
      readonly changed: Partial<Omit<RecordJson, 'key' | 'value'>> & { key?: ChangedPartJson; value?: ChangedPartJson }
    }
  | { readonly dropped: true }
  | { readonly test: boolean }
  | { readonly error: ErrorJson }
  | { readonly configError: ErrorJson }

/** Returns the record of a case after the changes in its result. */
export function changedRecord(before: RecordJson, result: ResultJson): RecordJson {
  if (!('changed' in result)) throw new TypeError('the result is no record')
  const part = (old: PartJson | undefined, changed: ChangedPartJson | undefined): { part?: PartJson } => {
    if (changed === undefined) return old === undefined ? {} : { part: old }
    const schema = changed.schema === 'unchanged' ? old?.schema : changed.schema
    return { part: schema === undefined ? { value: changed.value } : { schema, value: changed.value } }
  }
  const { key, value, ...rest } = result.changed
  const { part: newKey } = part(before.key, key)
  const { part: newValue } = part(before.value, value)
  return {
    ...before,
    ...rest,
    ...(newKey === undefined ? {} : { key: newKey }),
    ...(newValue === undefined ? {} : { value: newValue }),
  }
}

/** Returns a schema from its JSON form. */
export function schemaFrom(json: SchemaJson): Schema {
  const schema: Schema = {
    type: json.type,
    optional: json.optional ?? false,
    name: json.name ?? null,
    version: json.version ?? null,
    doc: json.doc ?? null,
    parameters: json.parameters ?? null,
    defaultValue: undefined,
    fields: (json.fields ?? []).map(({ name, schema: field }, index) => ({ name, index, schema: schemaFrom(field) })),
    keySchema: json.keys === undefined ? null : schemaFrom(json.keys),
    valueSchema: json.values === undefined ? null : schemaFrom(json.values),
  }
  return json.default === undefined ? schema : { ...schema, defaultValue: valueFrom(schema, json.default) }
}

/**
 * Returns a value from its JSON form. With a schema: integers as numbers, or strings past 2^53; floats as the text of
 * Java; bytes in hexadecimal; decimals as text; Date in days, Time and Timestamp in milliseconds; a MAP as entries; a
 * STRUCT as the values of its fields. Without: JSON, and `{"$long": …}`, `{"$double": …}`, `{"$float": …}`, `{"$bytes":
 * …}`, `{"$date": …}` for Java's other classes.
 */
export function valueFrom(schema: Schema | null, json: ValueJson): ConnectValue {
  if (json === null) return null
  if (schema === null) return plainFrom(json)
  if (schema.name === Logical.decimal && schema.type === 'BYTES') return String(json)
  switch (schema.type) {
    case 'INT64':
      return integerFrom(json)
    case 'FLOAT32':
    case 'FLOAT64':
      return Number(json)
    case 'BYTES':
      return Buffer.from(String(json), 'hex')
    case 'ARRAY':
      return items(json).map((item) => valueFrom(schema.valueSchema, item))
    case 'MAP':
      return new Map(
        items(json).map((entry) => {
          const [key = null, value = null] = items(entry)
          return [valueFrom(schema.keySchema, key), valueFrom(schema.valueSchema, value)]
        }),
      )
    case 'STRUCT':
      return schema.fields.map((field) => valueFrom(field.schema, items(json)[field.index] ?? null))
    default:
      return json
  }
}

function items(json: ValueJson): readonly ValueJson[] {
  if (!Array.isArray(json)) throw new TypeError(`not an array: ${JSON.stringify(json)}`)
  return json
}

function integerFrom(json: ValueJson): number | bigint {
  const number = Number(json)
  return Number.isSafeInteger(number) ? number : BigInt(String(json))
}

function plainFrom(json: ValueJson): ConnectValue {
  if (typeof json !== 'object' || json === null) return json
  if (Array.isArray(json)) return json.map(plainFrom)
  const [[tag, text] = ['', null]] = Object.entries(json)
  if (tag === '$long' || tag === '$date') return integerFrom(text)
  if (tag === '$double' || tag === '$float') return Number(text)
  if (tag === '$bytes') return Buffer.from(String(text), 'hex')
  return Object.fromEntries(Object.entries(json).map(([name, member]) => [name, plainFrom(member)]))
}

/** Returns a record from its JSON form. */
export function recordFrom(json: RecordJson): ConnectRecord {
  const part = (from: PartJson | undefined): { schema: Schema | null; value: ConnectValue } => {
    const schema = from?.schema === undefined ? null : schemaFrom(from.schema)
    return { schema, value: valueFrom(schema, from?.value ?? null) }
  }
  const [key, value] = [part(json.key), part(json.value)]
  const record: ConnectRecord = {
    topic: json.topic,
    partition: json.partition ?? null,
    keySchema: key.schema,
    key: key.value,
    valueSchema: value.schema,
    value: value.value,
    timestamp: (json.timestamp ?? null) === null ? null : (integerFrom(json.timestamp ?? null) as number),
    headers: (json.headers ?? []).map((header): Header => {
      const { schema, value: headerValue } = part(header)
      return { key: header.name, schema, value: headerValue }
    }),
  }
  if (json.offset === undefined) return record
  const sink: SinkRecord = {
    ...record,
    partition: json.partition ?? 0,
    offset: json.offset,
    timestampType: 'CreateTime',
    originalTopic: json.topic,
    originalPartition: json.partition ?? 0,
    originalOffset: json.offset,
  }
  return sink
}

/** Returns a form of a record in which equal records are deeply equal, whichever numbers and bytes represent them. */
export function comparable(record: ConnectRecord): unknown {
  return {
    topic: record.topic,
    partition: record.partition,
    timestamp: record.timestamp === null ? null : String(record.timestamp),
    key: comparablePart(record.keySchema, record.key),
    value: comparablePart(record.valueSchema, record.value),
    headers: record.headers.map(({ key, schema, value }) => [key, comparablePart(schema, value)]),
  }
}

function comparablePart(schema: Schema | null, value: ConnectValue): unknown {
  return { schema: schema === null ? null : comparableSchema(schema), value: comparableValue(schema, value) }
}

function comparableSchema(schema: Schema): unknown {
  const { type, optional, name, version, doc, parameters, fields, keySchema, valueSchema, defaultValue } = schema
  return {
    type,
    optional,
    name,
    version,
    doc,
    parameters: parameters === null ? null : Object.entries(parameters).toSorted(([a], [b]) => (a < b ? -1 : 1)),
    fields: fields.map((field) => [field.name, field.index, comparableSchema(field.schema)]),
    keys: keySchema === null ? null : comparableSchema(keySchema),
    values: valueSchema === null ? null : comparableSchema(valueSchema),
    default: comparableValue(schema, defaultValue ?? null),
  }
}

function comparableValue(schema: Schema | null, value: ConnectValue): unknown {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'bigint') return `number ${value}`
  if (typeof value === 'number') {
    const exact = schema?.type === 'FLOAT32' ? Math.fround(value) : value
    const isZero = exact === 0 && schema !== null && !schema.type.startsWith('FLOAT')
    return `number ${Object.is(exact, -0) && !isZero ? '-0' : exact}`
  }
  if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString('hex')}`
  if (Array.isArray(value)) {
    return value.map((item: ConnectValue, i) =>
      comparableValue(
        schema?.type === 'STRUCT' ? (schema.fields[i]?.schema ?? null) : (schema?.valueSchema ?? null),
        item,
      ),
    )
  }
  const entries = value instanceof Map ? [...value] : Object.entries(value)
  const forms = entries.map(([key, item]) => [
    comparableValue(schema?.keySchema ?? null, key),
    comparableValue(schema?.valueSchema ?? null, item),
  ])
  return { map: forms.toSorted(([a], [b]) => (String(a) < String(b) ? -1 : 1)) }
}
