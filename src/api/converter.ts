import type { Logger } from '../foundation/logging/logger.ts'
import type { ConfigDef, ParsedConfig, RawConfig } from './config-def.ts'
import type { ConnectValue, Schema } from './schema.ts'
import type { ConnectRecord, RawHeader } from './record.ts'

/** A value with its schema; the schema is null if it has none. */
export interface SchemaAndValue {
  readonly schema: Schema | null
  readonly value: ConnectValue
}

/**
 * Converts between bytes and Connect data. Synchronous: a converter that lacks something which takes time to get throws
 * `NotReadyError`, and is called again with the same arguments once it is there.
 * `fromConnect` returns null for a null value without a schema (a tombstone). The next call may overwrite the returned
 * bytes: copy them to keep them.
 *
 * `headers` are those of the record in bytes (KIP-440), of a fetched one as they were read. `fromConnect` may append to them; the
 * key is converted before the value. They are missing where a converter is called for something other than a record.
 * @throws DataError if the value does not match its schema, or bytes cannot be decoded. NotReadyError
 */
export interface Converter {
  fromConnect(topic: string, schema: Schema | null, value: ConnectValue, headers?: RawHeader[]): Buffer | null
  toConnect(topic: string, bytes: Uint8Array | null, headers?: readonly RawHeader[]): SchemaAndValue
}

/** Converts between header bytes and Connect data. The returned bytes are not overwritten. @throws as {@link Converter} does */
export interface HeaderConverter {
  fromConnectHeader(topic: string, key: string, schema: Schema | null, value: ConnectValue): Buffer | null
  toConnectHeader(topic: string, key: string, bytes: Uint8Array | null): SchemaAndValue
}

/**
 * Changes records, or drops them by returning null. Pure and synchronous. Fields that it does not change are kept.
 * What takes time to get it throws as `NotReadyError`. Once that is there, the record passes all transforms again from the first one.
 * @throws DataError for a record that cannot be transformed. NotReadyError
 */
export interface Transform {
  apply<R extends ConnectRecord>(record: R): R | null
}

/** A condition on records, for transforms that apply to some records only. Pure and synchronous. @throws as {@link Transform} does */
export interface Predicate {
  test(record: ConnectRecord): boolean
}

/** What the plugins of all kinds describe. */
export interface PluginHead {
  readonly className: string
  readonly aliases: readonly string[]
  readonly version: string
  readonly configDef: ConfigDef
}

export interface ConverterPlugin extends PluginHead {
  readonly kind: 'converter'
  /**
   * Called for a task, and to validate a config whose values are each valid: it connects to nothing.
   * @throws ConfigError for values that are wrong together; a validation shows it under its `key`
   */
  create(config: ParsedConfig, raw: RawConfig, isKey: boolean): Converter
}
export interface HeaderConverterPlugin extends PluginHead {
  readonly kind: 'header_converter'
  /** As that of a converter. @throws ConfigError */
  create(config: ParsedConfig, raw: RawConfig): HeaderConverter
}
/** What a transform or predicate of a task may use. */
export interface TransformContext {
  /**
   * Has the names of the task and of the alias. Log what an operator would miss, such as records that are dropped, but not each of
   * them, and no values of records.
   */
  readonly logger: Logger
}

export interface TransformPlugin extends PluginHead {
  readonly kind: 'transformation'
  /**
   * Called for a task, and to validate a config whose values are each valid.
   * @param context absent in a validation
   * @throws ConfigError for values that are wrong together; a validation shows it under its `key`
   */
  create(config: ParsedConfig, raw: RawConfig, context?: TransformContext): Transform
}
export interface PredicatePlugin extends PluginHead {
  readonly kind: 'predicate'
  /** As that of a transform. @throws ConfigError */
  create(config: ParsedConfig, raw: RawConfig, context?: TransformContext): Predicate
}
