import type { ConverterPlugin, HeaderConverterPlugin } from 'penstock/api'

/** Returns the converter as a header converter, which converts header values like record values. */
export function headerPluginOf(plugin: ConverterPlugin): HeaderConverterPlugin {
  return {
    ...plugin,
    kind: 'header_converter',
    create(config, raw) {
      const converter = plugin.create(config, raw, false)
      return {
        fromConnectHeader(topic, _key, schema, value) {
          const bytes = converter.fromConnect(topic, schema, value)
          // Headers may be reused in later records, but the converter overwrites its bytes.
          return bytes === null ? null : Buffer.from(bytes)
        },
        toConnectHeader: (topic, _key, bytes) => converter.toConnect(topic, bytes),
      }
    },
  }
}
