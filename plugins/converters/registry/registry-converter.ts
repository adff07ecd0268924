import {
  ByteSink,
  DataError,
  systemClock,
  type Clock,
  type ConnectValue,
  type Converter,
  type ParsedConfig,
  type Schema,
  type SchemaAndValue,
} from 'penstock/api'

import { MessageReaders } from './message-readers.ts'
import { MessageWriters } from './message-writers.ts'
import { RegistryClient } from './registry-client.ts'
import { registrySettings } from './registry-settings.ts'
import type { SchemaFormat } from './schema-format.ts'
import { writeHeader } from './wire-format.ts'

/** Converts Connect data in the wire format of Confluent's Schema Registry, and back. */
export class RegistryConverter<Parsed> implements Converter {
  readonly #sink = new ByteSink()
  readonly #writesNull: boolean
  readonly #writers: MessageWriters<Parsed>
  readonly #readers: MessageReaders<Parsed>

  constructor(config: ParsedConfig, isKey: boolean, format: SchemaFormat<Parsed>, clock: Clock = systemClock) {
    const client = new RegistryClient(registrySettings(config), clock)
    const parts = { config, isKey, format, client, clock }
    this.#writesNull = format.writesNull
    this.#writers = new MessageWriters(parts)
    this.#readers = new MessageReaders(parts)
  }

  fromConnect(topic: string, schema: Schema | null, value: ConnectValue): Buffer | null {
    if (value === null && (schema === null || !this.#writesNull)) {
      if (schema === null || schema.optional) return null
      throw new DataError('Found null value for non-optional schema')
    }
    const { id, write } = this.#writers.of(topic, schema)
    const sink = this.#sink
    sink.begin()
    writeHeader(sink, id)
    write(sink, value)
    return sink.take()
  }

  toConnect(topic: string, bytes: Uint8Array | null): SchemaAndValue {
    return bytes === null ? { schema: null, value: null } : this.#readers.read(topic, bytes)
  }
}
