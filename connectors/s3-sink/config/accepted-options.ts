import type { ConfigDef, ConfigKey, ConfigValue } from 'penstock/api'

/** An option of Confluent's that has no effect here, with the reason. */
function accepted(type: ConfigKey['type'], group: string, defaultValue: ConfigValue, why: string): ConfigKey {
  return { type, group, importance: 'LOW', defaultValue, doc: `Accepted: ${why}` }
}

/** The options of Confluent's S3 sink that have no effect here. */
export const acceptedOptions = {
  'max.write.duration.ms': accepted('LONG', 'Connector', Number.MAX_SAFE_INTEGER, 'writes do not block the task.'),
  'schemas.cache.config': accepted('INT', 'Connector', 1000, 'a schema is compiled once, for as long as it is in use.'),
  'max.files.scan.limit': accepted('INT', 'Connector', 100, 'an existing object is found by its name.'),
  's3.elastic.buffer.enable': accepted('BOOLEAN', 'S3', false, 'buffers always grow as needed.'),
  's3.elastic.buffer.init.capacity': accepted('INT', 'S3', 131_072, 'buffers always grow as needed.'),
  'schema.generator.class': accepted('CLASS', 'Storage', null, 'it has no effect in Confluent’s connector either.'),
} as const satisfies ConfigDef
