import {
  ConfigError,
  DataError,
  type ConnectValue,
  type Converter,
  type ConverterPlugin,
  type ParsedConfig,
  type RawHeader,
  type Schema,
  type SchemaAndValue,
} from 'penstock/api'

import { plugin as avroPlugin } from '../avro-converter.ts'
import { JsonConverter } from '../json-converter.ts'
import { cloudEventsConfigDef, subset } from './cloud-events-config-def.ts'
import { cloudEventsOptions } from './cloud-events-options.ts'
import { EventMetadata } from './event-metadata.ts'
import { EventReader } from './event-reader.ts'
import { EventWriter } from './event-writer.ts'

/** Converts change events of Debezium to CloudEvents 1.0 in the structured mode, as Debezium's converter does, and back. */
export class CloudEventsConverter implements Converter {
  readonly #metadata: EventMetadata
  readonly #writer: EventWriter
  readonly #reader: EventReader

  /** @param avro for data in Avro; by default that of Confluent's, with the settings below `avro.` */
  constructor(config: ParsedConfig, avro: Converter | null = null) {
    const options = cloudEventsOptions(config)
    const json = subset(config, 'json.')
    const avroConverter = options.data === 'avro' ? (avro ?? avroOf(config)) : null
    const headers = new JsonConverter({
      'schemas.enable': true,
      'schemas.cache.size': json['schemas.cache.size'] ?? null,
      'replace.null.with.default': true,
    })
    this.#metadata = new EventMetadata(options.metadata, headers)
    this.#writer = new EventWriter(options, this.#metadata, {
      events: new JsonConverter({ ...json, 'schemas.enable': false }),
      data: new JsonConverter(json),
      avro: avroConverter,
    })
    this.#reader = new EventReader(options, {
      avro: avroConverter,
      replaceNullWithDefault: json['replace.null.with.default'] === true,
      cacheSize: Math.max(1, Number(json['schemas.cache.size'])),
    })
  }

  fromConnect(topic: string, schema: Schema | null, value: ConnectValue, headers: RawHeader[] = []): Buffer | null {
    if (schema === null || value === null) return null
    const record = { schema, values: value as readonly ConnectValue[], headers }
    if (!this.#metadata.isChange(record)) return null
    if (schema.type !== 'STRUCT' || !Array.isArray(value)) throw new DataError('Mismatching schema')
    return this.#writer.write(topic, record)
  }

  toConnect(topic: string, bytes: Uint8Array | null): SchemaAndValue {
    return bytes === null ? { schema: null, value: null } : this.#reader.read(topic, bytes)
  }
}

/** @throws ConfigError, whose key is the one of this converter */
function avroOf(config: ParsedConfig): Converter {
  try {
    return avroPlugin.create(subset(config, 'avro.'), {}, false)
  } catch (error) {
    if (!(error instanceof ConfigError) || error.key === null) throw error
    throw new ConfigError(error.message, { cause: error, key: `avro.${error.key}` })
  }
}

/** `io.debezium.converters.CloudEventsConverter`. */
export const plugin: ConverterPlugin = {
  kind: 'converter',
  className: 'io.debezium.converters.CloudEventsConverter',
  aliases: [],
  version: '3.2.3.Final',
  configDef: cloudEventsConfigDef,
  create: (config) => new CloudEventsConverter(config),
}
