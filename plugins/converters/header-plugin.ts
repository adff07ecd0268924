import type { ConverterPlugin, HeaderConverterPlugin } from 'penstock/api'

/** The same class as a header converter: header values are converted as record values are. */
export function headerPluginOf(plugin: ConverterPlugin): HeaderConverterPlugin {
  return {
    ...plugin,
    kind: 'header_converter',
    create(config, raw) {
      const converter = plugin.create(config, raw, false)
      return {
        fromConnectHeader(topic, _key, schema, value) {
          const bytes = converter.fromConnect(topic, schema, value)
          // Headers are kept from record to record.
          return bytes === null ? null : Buffer.from(bytes)
        },
        toConnectHeader: (topic, _key, bytes) => converter.toConnect(topic, bytes),
      }
    },
  }
}
