import {
  DataError,
  fieldOf,
  lastHeader,
  type ConnectValue,
  type Converter,
  type RawHeader,
  type Schema,
} from 'penstock/api'

import type { MetadataSource } from './metadata-source.ts'

/** A struct with its schema. */
export interface StructWithSchema {
  readonly schema: Schema
  readonly values: readonly ConnectValue[]
}

/** A record to make an event of. */
export interface EventRecord extends StructWithSchema {
  readonly headers: readonly RawHeader[]
}

/** Returns the value of a field, or its default. @throws DataError if the schema does not have the field */
export function valueIn({ schema, values }: StructWithSchema, name: string): ConnectValue {
  const field = fieldOf(schema, name)
  if (field === undefined) throw new DataError(`${name} is not a valid field name`)
  return values[field.index] ?? field.schema.defaultValue ?? null
}

/** Finds what events say of a record: in its value, or in headers that a JsonConverter with schemas reads. */
export class EventMetadata {
  readonly #origins: MetadataSource
  readonly #headers: Converter

  constructor(origins: MetadataSource, headers: Converter) {
    this.#origins = origins
    this.#headers = headers
  }

  /** Returns whether the record is a change event. Others, as of transactions or heartbeats, make no events. */
  isChange({ schema, headers }: EventRecord): boolean {
    if (this.#origins.global === 'value') return schema.name?.endsWith('.Envelope') === true
    return lastHeader(headers, 'source') !== undefined && lastHeader(headers, 'op') !== undefined
  }

  /** @throws DataError if there is none */
  source(record: EventRecord): StructWithSchema {
    const source = this.#structOf(record, 'source', false)
    if (source === null) throw new DataError('the change event has no source')
    return source
  }

  transaction(record: EventRecord): StructWithSchema | null {
    if (this.#origins.global === 'value' && fieldOf(record.schema, 'transaction') === undefined) return null
    return this.#structOf(record, 'transaction', true)
  }

  operation(record: EventRecord): string | null {
    return this.#origins.global === 'value' ? textOf('op', valueIn(record, 'op')) : this.#text(record, 'op', false)
  }

  /** The id or the type from a header. Null: neither is in the value of a record. */
  attribute(record: EventRecord, name: 'id' | 'type'): string | null {
    return this.#origins[name] === 'header' ? this.#text(record, name, false) : null
  }

  traceparent(record: EventRecord): string | null {
    if (this.#origins.traceparent === 'header') return this.#text(record, 'traceparent', true)
    throw new DataError('traceparent can only be obtained from a header: set traceparent:header in metadata.source')
  }

  /** Returns the name of the schema of the data. @param connector the type of the connector */
  dataSchemaName(record: EventRecord, connector: string): string | null {
    if (this.#origins.dataSchemaName === 'header') return this.#text(record, 'dataSchemaName', false)
    return `io.debezium.connector.${connector}.Data`
  }

  #structOf(record: EventRecord, name: string, optional: boolean): StructWithSchema | null {
    if (this.#origins.global === 'header') return struct(name, this.#header(record, name, optional))
    const schema = fieldOf(record.schema, name)?.schema ?? null
    return struct(name, { schema, value: valueIn(record, name) })
  }

  #text(record: EventRecord, name: string, optional: boolean): string | null {
    return textOf(name, this.#header(record, name, optional).value)
  }

  #header({ headers }: EventRecord, name: string, optional: boolean): ReturnType<Converter['toConnect']> {
    const header = lastHeader(headers, name)
    if (header === undefined && !optional) throw new DataError(`Header \`${name}\` was not provided`)
    return this.#headers.toConnect('', header?.value ?? null)
  }
}

function struct(
  name: string,
  found: { readonly schema: Schema | null; readonly value: ConnectValue },
): StructWithSchema | null {
  const { schema, value } = found
  if (value === null) return null
  if (schema?.type === 'STRUCT' && Array.isArray(value)) return { schema, values: value as readonly ConnectValue[] }
  throw new DataError(`"${name}" is not a struct`)
}

function textOf(name: string, value: ConnectValue): string | null {
  if (value === null || typeof value === 'string') return value
  throw new DataError(`"${name}" is not a string`)
}
