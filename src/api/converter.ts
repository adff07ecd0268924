import type { ConfigDef, ParsedConfig, RawConfig } from './config-def.ts'
import type { ConnectValue, Schema } from './schema.ts'
import type { ConnectRecord } from './record.ts'

/** A value with its schema; schema null when it has none. */
export interface SchemaAndValue {
  readonly schema: Schema | null
  readonly value: ConnectValue
}

/**
 * Bytes ⇄ Connect data. Synchronous.
 * `fromConnect` of a null value without schema is null (a tombstone). Its bytes may lie in memory that the next call
 * uses again: who keeps them makes a copy.
 * @throws DataError when the value does not fit, or bytes do not decode.
 */
export interface Converter {
  fromConnect(topic: string, schema: Schema | null, value: ConnectValue): Buffer | null
  toConnect(topic: string, bytes: Uint8Array | null): SchemaAndValue
}

/** Header bytes ⇄ Connect data. Bytes stay as they are. */
export interface HeaderConverter {
  fromConnectHeader(topic: string, key: string, schema: Schema | null, value: ConnectValue): Buffer | null
  toConnectHeader(topic: string, key: string, bytes: Uint8Array | null): SchemaAndValue
}

/** A record's change. Null drops the record. Pure and synchronous. */
export interface Transform {
  apply<R extends ConnectRecord>(record: R): R | null
}

/** A question about a record. */
export interface Predicate {
  test(record: ConnectRecord): boolean
}

interface PluginHead {
  readonly className: string
  readonly aliases: readonly string[]
  readonly version: string
  readonly configDef: ConfigDef
}

export interface ConverterPlugin extends PluginHead {
  readonly kind: 'converter'
  create(config: ParsedConfig, raw: RawConfig, isKey: boolean): Converter
}
export interface HeaderConverterPlugin extends PluginHead {
  readonly kind: 'header_converter'
  create(config: ParsedConfig, raw: RawConfig): HeaderConverter
}
export interface TransformPlugin extends PluginHead {
  readonly kind: 'transformation'
  create(config: ParsedConfig, raw: RawConfig): Transform
}
export interface PredicatePlugin extends PluginHead {
  readonly kind: 'predicate'
  create(config: ParsedConfig, raw: RawConfig): Predicate
}
/** Answers `${provider:path:key}` references: the values of the keys asked for at `path` (all, when `keys` is null). */
export interface ConfigProvider {
  get(path: string, keys: readonly string[] | null): Promise<Readonly<Record<string, string>>>
}
export interface ConfigProviderPlugin extends PluginHead {
  readonly kind: 'configprovider'
  create(config: ParsedConfig, raw: RawConfig): ConfigProvider
}
