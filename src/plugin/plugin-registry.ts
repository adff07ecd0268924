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
 * Finds plugins by the names in configs, and imports their modules. The descriptors are data that may be sent to other threads;
 * {@link PluginRegistry.load} runs third-party code, so call it only in plugin and task threads; on the main thread only before the
 * worker starts, for config providers of its own settings (docs/decisions/0025-secrets-by-reference.md).
 */
export class PluginRegistry {
  readonly #plugins: readonly PluginDescriptor[]

  /** @param found the plugins of `plugin.path`. Of two plugins with the same class and kind, Penstock's own is used. */
  constructor(found: readonly PluginDescriptor[] = []) {
    const seen = new Set<string>()
    this.#plugins = [...builtInPlugins, ...found].filter((plugin) => {
      const id = `${plugin.kind} ${plugin.className}`
      return seen.has(id) ? false : seen.add(id)
    })
  }

  /** Returns all plugins by kind (in the order of REST), then class name. */
  list(): readonly PluginDescriptor[] {
    return this.#plugins.toSorted(
      (a, b) =>
        listOrder.indexOf(a.kind) - listOrder.indexOf(b.kind) ||
        (a.className < b.className ? -1 : Number(a.className > b.className)),
    )
  }

  /** Returns the class names of one kind, sorted. */
  classNames(kind: PluginKind): readonly string[] {
    return this.list()
      .filter((plugin) => plugin.kind === kind)
      .map((plugin) => plugin.className)
  }

  /** Returns the plugin of that kind with that class name or alias; null if there is none, or the alias is ambiguous. */
  find<K extends PluginKind>(kind: K, name: string): PluginDescriptor<K> | null {
    const matches = pluginsNamed(
      this.#plugins.filter((plugin): plugin is PluginDescriptor<K> => plugin.kind === kind),
      name,
    )
    return matches.length === 1 ? (matches[0] ?? null) : null
  }

  /**
   * Returns the connector of a `connector.class`.
   * @throws ConfigError with Connect's message if there is none, or the alias is ambiguous.
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
   * Returns a plugin of any kind, for `GET /connector-plugins/{name}/config`.
   * @throws NotFoundError `Unknown plugin x.`
   */
  any(name: string): PluginDescriptor {
    const match = this.findAny(name)
    if (match === null) throw new NotFoundError(`Unknown plugin ${name}.`)
    return match
  }

  /** Returns a plugin of any kind; null if there is none of that name, or the alias is ambiguous. */
  findAny(name: string): PluginDescriptor | null {
    const [match, ...others] = pluginsNamed(this.list(), name)
    if (match === undefined || others.some((other) => other.className !== match.className)) return null
    return match
  }

  /** Imports the plugin's module. @throws ConnectError if it cannot be imported, or does not match the descriptor. */
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
