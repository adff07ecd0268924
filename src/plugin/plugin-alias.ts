import type { PluginDescriptor, PluginKind } from './plugin-descriptor.ts'

const prunedSuffix: Readonly<Record<PluginKind, string>> = {
  source: 'Connector',
  sink: 'Connector',
  converter: 'Converter',
  header_converter: 'HeaderConverter',
  transformation: 'Transformation',
  predicate: 'Predicate',
  configprovider: 'ConfigProvider',
}

/** Returns the simple class name as in Java: `FileStreamSourceConnector`, or `Value` for `Cast$Value`. */
export function simpleName(className: string): string {
  return className.slice(Math.max(className.lastIndexOf('.'), className.lastIndexOf('$')) + 1)
}

/** Returns the simple name without the suffix of its kind: `FileStreamSource`. */
export function prunedName(className: string, kind: PluginKind): string {
  const simple = simpleName(className)
  const end = simple.lastIndexOf(prunedSuffix[kind])
  return end > 0 ? simple.slice(0, end) : simple
}

/** Cached, because every lookup of a connector needs the names of all plugins. */
const names = new WeakMap<PluginDescriptor, readonly string[]>()

/** Returns all names of a plugin in configs. */
export function namesOf(plugin: PluginDescriptor): readonly string[] {
  const known = names.get(plugin)
  if (known !== undefined) return known
  const { className, kind, aliases } = plugin
  const found = [...new Set([className, simpleName(className), prunedName(className, kind), ...aliases])]
  names.set(plugin, found)
  return found
}

/**
 * Returns the plugin with that class name, or else all plugins with that alias. The alias is ambiguous if the result has
 * different classes. Between plugins that are part of Penstock it is not: `Filter` is Kafka Connect's, as in an installation of
 * Kafka Connect without Debezium's scripting.
 */
export function pluginsNamed<K extends PluginKind>(
  plugins: readonly PluginDescriptor<K>[],
  name: string,
): readonly PluginDescriptor<K>[] {
  const exact = plugins.filter((plugin) => plugin.className === name)
  if (exact.length > 0) return exact
  const named = plugins.filter((plugin) => namesOf(plugin).includes(name))
  if (named.length < 2 || named.some(({ location }) => location !== null)) return named
  const kafkas = named.filter(({ className }) => className.startsWith('org.apache.kafka.'))
  return kafkas.length > 0 ? kafkas : named
}
