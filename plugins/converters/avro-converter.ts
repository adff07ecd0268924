import {
  ByteSink,
  DataError,
  systemClock,
  type Clock,
  type ConnectValue,
  type Converter,
  type ConverterPlugin,
  type ParsedConfig,
  type Schema,
  type SchemaAndValue,
} from 'penstock/api'

import { avroConfigDef } from './avro/avro-config-def.ts'
import { MessageReaders } from './avro/message-readers.ts'
import { MessageWriters } from './avro/message-writers.ts'
import { avroOptions } from './avro/avro-options.ts'
import { RegistryClient } from './registry/registry-client.ts'
import { registrySettings } from './registry/registry-settings.ts'
import { writeHeader } from './registry/wire-format.ts'

/** Converts Connect data to Avro in the wire format of Confluent's Schema Registry, and back. */
export class AvroConverter implements Converter {
  readonly #sink = new ByteSink()
  readonly #writers: MessageWriters
  readonly #readers: MessageReaders

  constructor(config: ParsedConfig, isKey: boolean, clock: Clock = systemClock) {
    const options = avroOptions(config)
    const client = new RegistryClient(registrySettings(config), clock)
    const parts = { config, isKey, options, client, clock }
    this.#writers = new MessageWriters(parts)
    this.#readers = new MessageReaders(parts)
  }

  fromConnect(topic: string, schema: Schema | null, value: ConnectValue): Buffer | null {
    if (value === null) {
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

/** `io.confluent.connect.avro.AvroConverter`. */
export const plugin: ConverterPlugin = {
  kind: 'converter',
  className: 'io.confluent.connect.avro.AvroConverter',
  aliases: [],
  version: '0.1.0',
  configDef: avroConfigDef,
  create: (config, _raw, isKey) => new AvroConverter(config, isKey),
}
