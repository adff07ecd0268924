import { describe, expect, it } from 'vitest'

import type { PluginDescriptor, PluginKind } from '../../../src/plugin/plugin-descriptor.ts'

import { ConfigError, ConnectError, NotFoundError } from '../../../src/api/errors.ts'
import { namesOf } from '../../../src/plugin/plugin-alias.ts'
import { fileConnectors } from '../../../src/plugin/built-in-plugins.ts'
import { PluginRegistry } from '../../../src/plugin/plugin-registry.ts'

function found<K extends PluginKind>(kind: K, className: string, module = 'file:///nowhere.js'): PluginDescriptor<K> {
  return { kind, className, aliases: [], version: '1', module, exportName: 'plugin', location: '/plugins/acme' }
}

describe('the plugin registry', () => {
  it('finds a connector by class name, simple name, and the name without Connector', () => {
    const registry = new PluginRegistry(fileConnectors)
    const className = 'org.apache.kafka.connect.file.FileStreamSourceConnector'
    for (const name of [className, 'FileStreamSourceConnector', 'FileStreamSource']) {
      expect(registry.connector(name)).toMatchObject({ className, kind: 'source' })
    }
  })

  it('names the available connectors if it finds none', () => {
    const lookup = (): unknown => new PluginRegistry(fileConnectors).connector('com.example.Nope')
    expect(lookup).toThrow(ConfigError)
    expect(lookup).toThrow(
      /^Failed to find any class that implements Connector and which name matches com.example.Nope, available connectors are: PluginDesc\{.*PostgresConnector/,
    )
  })

  it('reports a known connector that is not available', () => {
    const registry = new PluginRegistry(fileConnectors)
    for (const name of ['io.debezium.connector.mysql.MySqlConnector', 'MySqlConnector'])
      expect(() => registry.connector(name)).toThrow(
        `matches ${name} (it is known but not available: the only source for databases is`,
      )
    const own = new PluginRegistry([found('source', 'io.debezium.connector.mysql.MySqlConnector')])
    expect(own.connector('MySqlConnector').kind).toBe('source')
  })

  it('rejects an alias that two classes share', () => {
    const registry = new PluginRegistry([found('source', 'a.XConnector'), found('sink', 'b.XConnector')])
    expect(() => registry.connector('X')).toThrow(/^More than one connector matches alias X\. .*a\.XConnector/)
    expect(registry.connector('a.XConnector').kind).toBe('source')
    expect(() => registry.any('X')).toThrow('Unknown plugin X.')
  })

  it('distinguishes a converter from the header converter of the same class', () => {
    const registry = new PluginRegistry(fileConnectors)
    expect(registry.find('converter', 'JsonConverter')?.exportName).toBe('plugin')
    expect(registry.find('header_converter', 'JsonConverter')?.exportName).toBe('headerPlugin')
    expect(registry.find('converter', 'SimpleHeaderConverter')).toBeNull()
    expect(registry.any('org.apache.kafka.connect.json.JsonConverter').kind).toBe('converter')
  })

  it('takes an alias of several built-in classes for the one of Kafka Connect', () => {
    const kafkas = 'org.apache.kafka.connect.transforms.Filter'
    expect(new PluginRegistry([]).find('transformation', 'Filter')?.className).toBe(kafkas)
    const installed = new PluginRegistry([found('transformation', 'com.acme.Filter')])
    expect(installed.find('transformation', 'Filter')).toBeNull()
    expect(installed.find('transformation', 'com.acme.Filter')?.className).toBe('com.acme.Filter')
  })

  it('knows no plugin by a name that nothing has', () => {
    expect(() => new PluginRegistry(fileConnectors).any('nope')).toThrow(NotFoundError)
    expect(() => new PluginRegistry(fileConnectors).any('nope')).toThrow('Unknown plugin nope.')
  })

  it('lists sinks, sources, transformations, predicates, converters, header converters, config providers', () => {
    const kinds = new PluginRegistry([found('sink', 'com.acme.ASinkConnector')]).list().map((plugin) => plugin.kind)
    const order = ['sink', 'source', 'transformation', 'predicate', 'converter', 'header_converter', 'configprovider']
    expect([...new Set(kinds)]).toEqual(order)
  })

  it('has the file connectors only if they are enabled, and says how to enable them', () => {
    for (const name of ['FileStreamSource', 'FileStreamSink', 'FileStreamSinkConnector']) {
      expect(() => new PluginRegistry([]).connector(name)).toThrow(
        /may access; enable it with plugin\.path=connect-file\)/,
      )
      expect(new PluginRegistry(fileConnectors).connector(name).location).toBeNull()
    }
    expect(new PluginRegistry([]).classNames('source')).not.toContain(
      'org.apache.kafka.connect.file.FileStreamSourceConnector',
    )
  })

  it('gives its own plugin the preference over one of plugin.path with the same class', () => {
    const registry = new PluginRegistry([found('source', 'io.debezium.connector.postgresql.PostgresConnector')])
    expect(registry.connector('PostgresConnector').location).toBeNull()
  })

  it('names a module that cannot be imported', async () => {
    const registry = new PluginRegistry([found('sink', 'com.acme.ASinkConnector')])
    const load = registry.load(registry.connector('ASink'))
    await expect(load).rejects.toThrow(ConnectError)
    await expect(load).rejects.toThrow(/^The module of com\.acme\.ASinkConnector \(file:\/\/\/nowhere\.js\) cannot/)
  })

  it('rejects a module whose export differs from the manifest', async () => {
    const module = new URL('../../../src/api/errors.ts', import.meta.url).href
    const registry = new PluginRegistry([found('sink', 'com.acme.ASinkConnector', module)])
    await expect(registry.load(registry.connector('ASink'))).rejects.toThrow(
      /^PLUGIN_INVALID: The plugin com\.acme\.ASinkConnector of file:.*no export "plugin" that is an object/,
    )
  })

  it('loads every built-in plugin as the index describes it', async () => {
    const registry = new PluginRegistry(fileConnectors)
    for (const descriptor of registry.list()) {
      const plugin = await registry.load(descriptor)
      const { kind, className, version, aliases } = descriptor
      expect(plugin).toMatchObject({ kind, className, version, aliases })
    }
  })
})

describe('the names of a plugin', () => {
  it.each([
    ['source', 'a.b.MySourceConnector', ['a.b.MySourceConnector', 'MySourceConnector', 'MySource']],
    ['transformation', 'a.b.Cast$Value', ['a.b.Cast$Value', 'Value']],
    ['predicate', 'a.IsPredicate', ['a.IsPredicate', 'IsPredicate', 'Is']],
    ['header_converter', 'a.JsonConverter', ['a.JsonConverter', 'JsonConverter']],
  ] as const)('of %s %s are %j', (kind, className, names) => {
    expect(namesOf(found(kind, className))).toEqual(names)
  })
})
