import type { ConfigDef, ConfigKey } from '../../api/config-def.ts'

/** Why a version of a plugin cannot be chosen. */
export const oneVersionReason =
  'a worker runs one version of each plugin, which GET /connector-plugins shows. Remove the key, and install the version that you need'

/**
 * The key with which Kafka Connect 4.1 chooses one of several versions of a plugin
 * ([KIP-891](https://cwiki.apache.org/confluence/display/KAFKA/KIP-891%3A+Running+multiple+versions+of+Connector+plugins)).
 */
export const pluginVersionKey: ConfigKey = {
  type: 'STRING',
  defaultValue: null,
  importance: 'LOW',
  doc: 'Version, or range of versions, of the plugin.',
  unsupported: oneVersionReason,
}

/** The keys of versions that do not belong to an alias. */
export const pluginVersionDef: ConfigDef = {
  'connector.plugin.version': pluginVersionKey,
  'key.converter.plugin.version': pluginVersionKey,
  'value.converter.plugin.version': pluginVersionKey,
  'header.converter.plugin.version': pluginVersionKey,
}
