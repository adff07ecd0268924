import { errorMessage } from '../foundation/error-message.ts'
import type { PluginDescriptor, PluginKind, PluginOfKind } from './plugin-descriptor.ts'

import { ConfigError, ConnectError, NotFoundError } from '../api/errors.ts'
import { builtInPlugins } from './built-in-plugins.ts'
import { pluginsNamed } from './plugin-alias.ts'
import { pluginFault } from './plugin-fault.ts'
import { unbuiltClass } from './unbuilt-classes.ts'

/** The order of `GET /connector-plugins?connectorsOnly=false`. */
const listOrder: readonly PluginKind[] = [
  'sink',
  'source',
  'transformation',
  'predicate',
  'converter',
  'header_converter',
  'configprovider',
]

/**
 * Finds plugins by the names that configs use, and imports the modules of those that are used. The index itself is
 * data and may cross threads; {@link PluginRegistry.load} runs foreign code and belongs in plugin and task threads.
 */
export class PluginRegistry {
  readonly #plugins: readonly PluginDescriptor[]

  /** `found` are the plugins of `plugin.path`; of two plugins with one class and kind, Penstock's own wins. */
  constructor(found: readonly PluginDescriptor[] = []) {
    const seen = new Set<string>()
    this.#plugins = [...builtInPlugins, ...found].filter((plugin) => {
      const id = `${plugin.kind} ${plugin.className}`
      return seen.has(id) ? false : seen.add(id)
    })
  }

  /** All plugins by kind, then class name: sinks, sources, transformations, predicates, converters, header converters. */
  list(): readonly PluginDescriptor[] {
    return this.#plugins.toSorted(
      (a, b) =>
        listOrder.indexOf(a.kind) - listOrder.indexOf(b.kind) ||
        (a.className < b.className ? -1 : Number(a.className > b.className)),
    )
  }

  /** Class names of one kind, sorted. */
  classNames(kind: PluginKind): readonly string[] {
    return this.list()
      .filter((plugin) => plugin.kind === kind)
      .map((plugin) => plugin.className)
  }

  /** The plugin of that kind with that class name or alias; null when there is none or the alias means several classes. */
  find<K extends PluginKind>(kind: K, name: string): PluginDescriptor<K> | null {
    const matches = pluginsNamed(
      this.#plugins.filter((plugin): plugin is PluginDescriptor<K> => plugin.kind === kind),
      name,
    )
    return matches.length === 1 ? (matches[0] ?? null) : null
  }

  /**
   * The connector that `connector.class` names.
   * @throws ConfigError in Connect's words when there is none, or the alias means several.
   */
  connector(name: string): PluginDescriptor<'source' | 'sink'> {
    const connectors = this.list().filter(isConnector)
    const matches = pluginsNamed(connectors, name)
    const [match] = matches
    if (match === undefined) {
      const known = unbuiltClass(name)
      const meant = known === null ? name : `${name} (it is known but not available: ${known.advice})`
      throw new ConfigError(
        `Failed to find any class that implements Connector and which name matches ${meant}, available connectors are: ${connectors.map(describe).join(', ')}`,
      )
    }
    if (matches.length > 1) {
      throw new ConfigError(
        `More than one connector matches alias ${name}. Please use full package and class name instead. Classes found: ${matches.map(describe).join(', ')}`,
      )
    }
    return match
  }

  /**
   * A plugin of any kind, for `GET /connector-plugins/{name}/config`.
   * @throws NotFoundError `Unknown plugin x.`
   */
  any(name: string): PluginDescriptor {
    const match = this.findAny(name)
    if (match === null) throw new NotFoundError(`Unknown plugin ${name}.`)
    return match
  }

  /** A plugin of any kind; null when there is none of that name, or the alias means several classes. */
  findAny(name: string): PluginDescriptor | null {
    const [match, ...others] = pluginsNamed(this.list(), name)
    if (match === undefined || others.some((other) => other.className !== match.className)) return null
    return match
  }

  /** Imports the plugin's module. @throws ConnectError when it cannot be imported or is not what the index says. */
  async load<K extends PluginKind>(descriptor: PluginDescriptor<K>): Promise<PluginOfKind[K]> {
    const { className, module, exportName } = descriptor
    let exports: unknown
    try {
      exports = await import(module)
    } catch (cause) {
      const why = errorMessage(cause)
      throw new ConnectError(`The module of ${className} (${module}) cannot be imported: ${why}`, { cause })
    }
    const plugin: unknown = typeof exports === 'object' && exports !== null ? Reflect.get(exports, exportName) : null
    const fault = pluginFault(plugin, descriptor)
    if (fault === null) return plugin as PluginOfKind[K]
    throw new ConnectError(`The plugin ${className} of ${module} cannot be used: ${fault}`, { code: 'PLUGIN_INVALID' })
  }
}

function isConnector(plugin: PluginDescriptor): plugin is PluginDescriptor<'source' | 'sink'> {
  return plugin.kind === 'source' || plugin.kind === 'sink'
}

function describe(plugin: PluginDescriptor): string {
  const location = plugin.location === null ? '' : `, location='${plugin.location}'`
  return `PluginDesc{name='${plugin.className}', version='${plugin.version}', type=${plugin.kind}${location}}`
}
