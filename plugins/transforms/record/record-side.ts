import type {
  ConfigDef,
  ConnectRecord,
  ConnectValue,
  Header,
  ParsedConfig,
  RawConfig,
  Schema,
  Transform,
  TransformPlugin,
} from 'penstock/api'

/** The half of records that a transform works on: the key for a class `…$Key`, the value for `…$Value`. */
export interface Side {
  /** The name of the transform for messages, such as `Cast$Value`. */
  readonly transform: string
  schemaOf(record: ConnectRecord): Schema | null
  valueOf(record: ConnectRecord): ConnectValue
  /** Returns the record with another half. */
  with<R extends ConnectRecord>(record: R, schema: Schema | null, value: ConnectValue): R
  /** Returns the record with another half and other headers. */
  withHeaders<R extends ConnectRecord>(
    record: R,
    schema: Schema | null,
    value: ConnectValue,
    headers: readonly Header[],
  ): R
}

function keySide(name: string): Side {
  return {
    transform: `${name}$Key`,
    schemaOf: (record) => record.keySchema,
    valueOf: (record) => record.key,
    with: (record, keySchema, key) => ({ ...record, keySchema, key }),
    withHeaders: (record, keySchema, key, headers) => ({ ...record, keySchema, key, headers }),
  }
}

function valueSide(name: string): Side {
  return {
    transform: `${name}$Value`,
    schemaOf: (record) => record.valueSchema,
    valueOf: (record) => record.value,
    with: (record, valueSchema, value) => ({ ...record, valueSchema, value }),
    withHeaders: (record, valueSchema, value, headers) => ({ ...record, valueSchema, value, headers }),
  }
}

/** Describes one of Kafka's transforms. */
export function kafkaTransform(
  name: string,
  configDef: ConfigDef,
  create: (config: ParsedConfig, raw: RawConfig) => Transform,
): TransformPlugin {
  const className = `org.apache.kafka.connect.transforms.${name}`
  return { kind: 'transformation', className, aliases: [], version: '3.9.1', configDef, create }
}

type CreateHalf = (side: Side, config: ParsedConfig, raw: RawConfig) => Transform

/** A transform that has a class for keys and one for values. */
export interface Halves {
  readonly key: TransformPlugin
  readonly value: TransformPlugin
}

/** Describes one of Kafka's transforms that has a class for keys and one for values. */
export function kafkaTransforms(name: string, configDef: ConfigDef, create: CreateHalf): Halves {
  return halvesOf(kafkaTransform, name, configDef, create)
}

/** Describes one of Confluent's transforms. They have no version here, because their documentation is the reference. */
export function confluentTransform(
  name: string,
  configDef: ConfigDef,
  create: TransformPlugin['create'],
): TransformPlugin {
  const className = `io.confluent.connect.transforms.${name}`
  return { kind: 'transformation', className, aliases: [], version: '0.1.0', configDef, create }
}

/** Describes one of Confluent's transforms that has a class for keys and one for values. */
export function confluentTransforms(name: string, configDef: ConfigDef, create: CreateHalf): Halves {
  return halvesOf(confluentTransform, name, configDef, create)
}

function halvesOf(describe: typeof kafkaTransform, name: string, configDef: ConfigDef, create: CreateHalf): Halves {
  const [key, value] = [keySide(name), valueSide(name)]
  return {
    key: describe(key.transform, configDef, (config, raw) => create(key, config, raw)),
    value: describe(value.transform, configDef, (config, raw) => create(value, config, raw)),
  }
}
