import {
  ByteSink,
  DataError,
  lastHeader,
  systemClock,
  type Clock,
  type ConnectValue,
  type Converter,
  type ParsedConfig,
  type RawHeader,
  type Schema,
  type SchemaAndValue,
} from 'penstock/api'

import { MessageReaders } from './message-readers.ts'
import { MessageWriters } from './message-writers.ts'
import { RegistryClient } from './registry-client.ts'
import { isIdInHeader } from './registry-config-def.ts'
import { registrySettings } from './http/registry-settings.ts'
import type { SchemaFormat } from './schema-format.ts'
import { schemaHeaderKey, writeId } from './wire-format.ts'

/** Converts Connect data in the wire format of Confluent's Schema Registry, and back. */
export class RegistryConverter<Parsed> implements Converter {
  readonly #sink = new ByteSink()
  readonly #writesNull: boolean
  /** The header that gets the id of the schema; null: it is at the start of the bytes. */
  readonly #headerKey: string | null
  readonly #writers: MessageWriters<Parsed>
  readonly #readers: MessageReaders<Parsed>

  constructor(config: ParsedConfig, isKey: boolean, format: SchemaFormat<Parsed>, clock: Clock = systemClock) {
    const client = new RegistryClient(registrySettings(config), clock)
    const parts = { config, isKey, format, client, clock }
    this.#writesNull = format.writesNull
    this.#headerKey = isIdInHeader(config, isKey) ? schemaHeaderKey(isKey) : null
    this.#writers = new MessageWriters(parts)
    this.#readers = new MessageReaders(parts)
  }

  fromConnect(topic: string, schema: Schema | null, value: ConnectValue, headers?: RawHeader[]): Buffer | null {
    if (value === null && (schema === null || !this.#writesNull)) {
      if (schema === null || schema.optional) return null
      throw new DataError('Found null value for non-optional schema')
    }
    const { id, guid, write } = this.#writers.of(topic, schema)
    const sink = this.#sink
    sink.begin()
    if (this.#headerKey === null) writeId(sink, id)
    write(sink, value)
    if (this.#headerKey !== null) addHeader(headers, this.#headerKey, guid)
    return sink.take()
  }

  toConnect(topic: string, bytes: Uint8Array | null, headers: readonly RawHeader[] = []): SchemaAndValue {
    return bytes === null ? { schema: null, value: null } : this.#readers.read(topic, bytes, headers)
  }
}

/** As Confluent's: a header that has this value already is left as it is. */
function addHeader(headers: RawHeader[] | undefined, key: string, value: Buffer | null): void {
  if (headers === undefined)
    throw new DataError(`the id of a schema belongs into the header ${key}, but there are no headers here`)
  const present = lastHeader(headers, key)?.value ?? null
  if (present === null || value === null || !value.equals(present)) headers.push({ key, value })
}
