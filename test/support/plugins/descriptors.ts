import type { PluginDescriptor } from '../../../src/plugin/plugin-descriptor.ts'

/** The plugins of this directory, as if they had been found on `plugin.path`. */
export const testPlugins: readonly PluginDescriptor[] = ['stubborn', 'deadly', 'wayward', 'leaky'].map((name) => ({
  kind: 'source',
  className: `test.${name.charAt(0).toUpperCase()}${name.slice(1)}Connector`,
  aliases: [],
  version: '1',
  module: new URL(`./${name}-connector.ts`, import.meta.url).href,
  exportName: 'plugin',
  location: null,
}))
