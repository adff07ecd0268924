import { describe, expect, it } from 'vitest'

import type { PluginDescriptor } from '../../../src/plugin/plugin-descriptor.ts'
import { pluginFault } from '../../../src/plugin/plugin-fault.ts'

const manifest: PluginDescriptor = {
  kind: 'sink',
  className: 'com.acme.ASinkConnector',
  aliases: ['acme'],
  version: '1.2.0',
  module: 'file:///plugins/acme/index.js',
  exportName: 'plugin',
  location: '/plugins/acme',
}
const plugin = {
  kind: 'sink',
  className: 'com.acme.ASinkConnector',
  aliases: ['acme'],
  version: '1.2.0',
  configDef: { url: { type: 'STRING' } },
  createConnector: () => null,
  createTask: () => null,
}

describe('a module beside its manifest', () => {
  it('has no fault when they say the same', () => {
    expect(pluginFault(plugin, manifest)).toBeNull()
  })

  it.each([
    ['nothing', undefined, /no export "plugin" that is an object.*name its export by "export"/],
    [
      'another kind',
      { ...plugin, kind: 'source' },
      /package\.json says kind "sink", .* says "source"\. Make them equal/,
    ],
    [
      'another class',
      { ...plugin, className: 'com.acme.B' },
      /says class "com\.acme\.ASinkConnector", .* says "com\.acme\.B"/,
    ],
    ['another version', { ...plugin, version: '1.1.0' }, /says version "1\.2\.0", .* says "1\.1\.0"/],
    ['no version', { ...plugin, version: undefined }, /says version "1\.2\.0", .* says undefined/],
    ['an alias that is not listed', { ...plugin, aliases: ['acme', 'a'] }, /aliases a are not listed in package\.json/],
    ['aliases that are a text', { ...plugin, aliases: 'acme' }, /aliases are "acme", not an array/],
    ['no configDef', { ...plugin, configDef: undefined }, /configDef is undefined, not an object/],
    ['an option without type', { ...plugin, configDef: { url: {} } }, /configDef has the key "url" without a "type"/],
    ['no task', { ...plugin, createTask: undefined }, /no function createTask, which a plugin of kind sink needs/],
  ])('is refused that exports %s, by what differs', (_title, exported, fault) => {
    expect(pluginFault(exported, manifest)).toMatch(fault)
  })
})
