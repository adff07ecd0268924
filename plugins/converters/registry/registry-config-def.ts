import {
  atLeast,
  nonEmptyList,
  oneOf,
  type ConfigDef,
  type ConfigKey,
  type ParsedConfig,
  type Validator,
} from 'penstock/api'

const strategies = 'io.confluent.kafka.serializers.subject'

/** Names of the strategies for the subjects of schemas. */
export const SubjectNameStrategy = {
  topic: `${strategies}.TopicNameStrategy`,
  record: `${strategies}.RecordNameStrategy`,
  topicRecord: `${strategies}.TopicRecordNameStrategy`,
} as const

const pemOnly = 'only Java can read it; convert it to PEM'
const idPlaces = 'io.confluent.kafka.serializers.schema.id'
const headerSerializer = `${idPlaces}.HeaderSchemaIdSerializer`
const dualDeserializer = `${idPlaces}.DualSchemaIdDeserializer`

/** The properties of `name=value,…`; null if there are none. @throws RangeError for a part that is not one */
export function metadataProperties(text: unknown): ReadonlyMap<string, string> | null {
  if (typeof text !== 'string' || text.trim() === '') return null
  const pairs = text.split(',').map((part) => {
    const [, name = '', value = ''] = /^\s*([^=]*[^=\s])\s*=\s*(.*?)\s*$/s.exec(part) ?? []
    if (name === '') throw new RangeError(part)
    return [name, value] as const
  })
  return new Map(pairs)
}

const properties: Validator = Object.assign(
  (_key: string, value: unknown): string | null => {
    try {
      metadataProperties(value)
      return null
    } catch {
      return 'It must be name=value, separated by commas'
    }
  },
  { describe: 'name=value, separated by commas' },
)

const connection = {
  'schema.registry.url': {
    type: 'LIST',
    importance: 'HIGH',
    doc: 'URLs of the schema registry, `http` or `https`. The next one is tried when one does not respond. By default that of the worker, if it serves one over http without authentication.',
    validator: nonEmptyList,
  },
  'basic.auth.credentials.source': {
    type: 'STRING',
    defaultValue: 'URL',
    importance: 'MEDIUM',
    doc: 'Where user and password for the registry are: `URL` (`https://user:password@host`) or `USER_INFO` (`basic.auth.user.info`).',
    validator: oneOf('URL', 'USER_INFO'),
    unsupportedValues: { SASL_INHERIT: 'set USER_INFO, and the user and password' },
  },
  'basic.auth.user.info': {
    type: 'PASSWORD',
    defaultValue: null,
    importance: 'MEDIUM',
    doc: 'User and password, as `user:password`.',
  },
  'bearer.auth.credentials.source': {
    type: 'STRING',
    defaultValue: 'STATIC_TOKEN',
    importance: 'MEDIUM',
    doc: 'Where the bearer token is: `STATIC_TOKEN` (`bearer.auth.token`).',
    validator: oneOf('STATIC_TOKEN'),
    unsupportedValues: {
      OAUTHBEARER: 'set bearer.auth.token',
      SASL_OAUTHBEARER_INHERIT: 'set bearer.auth.token',
      CUSTOM: 'it names a Java class; set bearer.auth.token',
    },
  },
  'bearer.auth.token': {
    type: 'PASSWORD',
    defaultValue: null,
    importance: 'MEDIUM',
    doc: 'Bearer token for the registry. It takes precedence over user and password.',
  },
  'schema.registry.ssl.truststore.location': {
    type: 'STRING',
    defaultValue: null,
    importance: 'MEDIUM',
    doc: 'PEM file of the authorities that sign the certificate of the registry. By default those of Node.js.',
  },
  'schema.registry.ssl.truststore.certificates': {
    type: 'PASSWORD',
    defaultValue: null,
    importance: 'MEDIUM',
    doc: 'The same as PEM text, instead of a file.',
  },
  'schema.registry.ssl.truststore.type': storeType('ssl.truststore'),
  'schema.registry.ssl.keystore.location': {
    type: 'STRING',
    defaultValue: null,
    importance: 'MEDIUM',
    doc: 'PEM file with the certificate and the key of the client, for a registry that asks for one.',
  },
  'schema.registry.ssl.keystore.certificate.chain': {
    type: 'PASSWORD',
    defaultValue: null,
    importance: 'MEDIUM',
    doc: 'The certificate as PEM text, instead of a file.',
  },
  'schema.registry.ssl.keystore.key': {
    type: 'PASSWORD',
    defaultValue: null,
    importance: 'MEDIUM',
    doc: 'The key as PEM text, instead of a file.',
  },
  'schema.registry.ssl.key.password': {
    type: 'PASSWORD',
    defaultValue: null,
    importance: 'MEDIUM',
    doc: 'Password of an encrypted key.',
  },
  'schema.registry.ssl.keystore.type': storeType('ssl.keystore'),
  'http.read.timeout.ms': {
    type: 'INT',
    defaultValue: 60_000,
    importance: 'LOW',
    doc: 'Time limit of a request to the registry, in milliseconds.',
    validator: atLeast(1),
  },
  'max.retries': {
    type: 'INT',
    defaultValue: 3,
    importance: 'LOW',
    doc: 'How often a request that failed at each of the URLs is retried before the task reports it. The task then retries further, and the record keeps its place.',
    validator: atLeast(0),
  },
  'retries.wait.ms': {
    type: 'INT',
    defaultValue: 1000,
    importance: 'LOW',
    doc: 'Wait before the first retry, in milliseconds. Each further wait is twice as long, with jitter.',
    validator: atLeast(1),
  },
  'retries.max.wait.ms': {
    type: 'INT',
    defaultValue: 20_000,
    importance: 'LOW',
    doc: 'The longest wait before a retry, in milliseconds.',
    validator: atLeast(1),
  },
  'proxy.host': {
    type: 'STRING',
    defaultValue: '',
    importance: 'LOW',
    doc: 'Host of an HTTP proxy.',
    unsupported: 'requests to the registry go there directly',
  },
} as const satisfies ConfigDef

const schemas = {
  'auto.register.schemas': {
    type: 'BOOLEAN',
    defaultValue: true,
    importance: 'MEDIUM',
    doc: 'Whether the schemas of records are registered. Otherwise they have to be registered before.',
  },
  'use.latest.version': {
    type: 'BOOLEAN',
    defaultValue: false,
    importance: 'LOW',
    doc: 'Whether records are written with the latest schema of their subject, fields matched by name. Only with `auto.register.schemas=false`. Reading is not affected.',
  },
  'latest.compatibility.strict': {
    type: 'BOOLEAN',
    defaultValue: true,
    importance: 'LOW',
    doc: 'Whether a record is refused if the latest schema of `use.latest.version` could not read what the schema of the record would write.',
  },
  'latest.cache.ttl.sec': {
    type: 'LONG',
    defaultValue: -1,
    importance: 'LOW',
    doc: 'How long the latest schema of a subject is used before it is looked up again, in seconds; -1 is indefinitely.',
    validator: atLeast(-1),
  },
  'use.latest.with.metadata': {
    type: 'STRING',
    defaultValue: null,
    importance: 'LOW',
    doc: 'Properties of metadata, as name=value separated by commas: records are written with the latest schema of their subject that has them, as with `use.latest.version`. Only with `auto.register.schemas=false`. Reading is not affected.',
    validator: properties,
  },
  'use.schema.id': {
    type: 'INT',
    defaultValue: -1,
    importance: 'LOW',
    doc: 'The id of the schema to write with.',
    unsupported: 'schemas are not chosen by id; set use.latest.version=true',
  },
  'normalize.schemas': {
    type: 'BOOLEAN',
    defaultValue: false,
    importance: 'MEDIUM',
    doc: 'Whether the registry normalizes schemas when it registers or looks them up.',
  },
  'key.subject.name.strategy': strategy('keys'),
  'value.subject.name.strategy': strategy('values'),
  'key.schema.id.serializer': idWritten('key'),
  'value.schema.id.serializer': idWritten('value'),
  'key.schema.id.deserializer': idRead('key'),
  'value.schema.id.deserializer': idRead('value'),
} as const satisfies ConfigDef

/** The settings of converters that use a schema registry, as Confluent's have them, but for the type of schema. */
export const registryConfigDef = { ...connection, ...schemas } as const satisfies ConfigDef

/** A setting of low importance that is on or off. */
export function flag(defaultValue: boolean, doc: string): ConfigKey {
  return { type: 'BOOLEAN', defaultValue, importance: 'LOW', doc }
}

function storeType(store: string): ConfigKey {
  return {
    type: 'STRING',
    defaultValue: 'PEM',
    importance: 'LOW',
    doc: `Format of the file in \`schema.registry.${store}.location\`.`,
    validator: oneOf('PEM'),
    unsupportedValues: { JKS: pemOnly, PKCS12: pemOnly },
  }
}

function strategy(part: string): ConfigKey {
  return {
    type: 'STRING',
    defaultValue: SubjectNameStrategy.topic,
    importance: 'MEDIUM',
    doc: `The subject of the schemas of ${part}: \`${strategies}.TopicNameStrategy\` (topic and \`-key\` or \`-value\`), \`RecordNameStrategy\` (name of the record) or \`TopicRecordNameStrategy\` (topic, \`-\` and name of the record) of the same package.`,
    validator: oneOf(...Object.values(SubjectNameStrategy)),
  }
}

function idWritten(part: string): ConfigKey {
  const prefix = `${idPlaces}.PrefixSchemaIdSerializer`
  return {
    type: 'STRING',
    defaultValue: prefix,
    importance: 'MEDIUM',
    doc: `Where the schema of a ${part} is named: its id at the start of the bytes (\`${prefix}\`), or its GUID in the header \`__${part}_schema_id\` (\`HeaderSchemaIdSerializer\` of the same package), which needs a registry with GUIDs, as Confluent's since 8.0.`,
    validator: oneOf(prefix, headerSerializer),
  }
}

function idRead(part: string): ConfigKey {
  const prefix = `${idPlaces}.PrefixSchemaIdDeserializer`
  return {
    type: 'STRING',
    defaultValue: dualDeserializer,
    importance: 'MEDIUM',
    doc: `Where the schema of a ${part} is looked for: in the header \`__${part}_schema_id\`, then at the start of the bytes (\`${dualDeserializer}\`), or only there (\`PrefixSchemaIdDeserializer\` of the same package).`,
    validator: oneOf(dualDeserializer, prefix),
    unsupportedValues: { [`${idPlaces}.ConfigSchemaIdDeserializer`]: 'schemas are not chosen by config' },
  }
}

/** Returns whether messages have the id of their schema in a header. */
export function isIdInHeader(config: ParsedConfig, isKey: boolean): boolean {
  return config[`${isKey ? 'key' : 'value'}.schema.id.serializer`] === headerSerializer
}

/** Returns whether the id of a schema is looked for in a header. */
export function isHeaderRead(config: ParsedConfig, isKey: boolean): boolean {
  return config[`${isKey ? 'key' : 'value'}.schema.id.deserializer`] === dualDeserializer
}
