import type { PluginDescriptor } from '../../../src/plugin/plugin-descriptor.ts'

/** The plugin of this directory whose file is `<name>-connector.ts`, as if it had been found on `plugin.path`. */
export function testPlugin(name: string): PluginDescriptor {
  return {
    kind: 'source',
    className: `test.${name.charAt(0).toUpperCase()}${name.slice(1)}Connector`,
    aliases: [],
    version: '1',
    module: new URL(`./${name}-connector.ts`, import.meta.url).href,
    exportName: 'plugin',
    location: null,
  }
}

export const testPlugins: readonly PluginDescriptor[] = ['stubborn', 'deadly', 'wayward', 'leaky'].map(testPlugin)
