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

/** `FileStreamSourceConnector` of `org.apache.kafka.connect.file.FileStreamSourceConnector`; `Value` of `Cast$Value`, as Java has it. */
export function simpleName(className: string): string {
  return className.slice(Math.max(className.lastIndexOf('.'), className.lastIndexOf('$')) + 1)
}

/** The simple name up to the suffix of its kind: `FileStreamSource`. */
export function prunedName(className: string, kind: PluginKind): string {
  const simple = simpleName(className)
  const end = simple.lastIndexOf(prunedSuffix[kind])
  return end > 0 ? simple.slice(0, end) : simple
}

/** The names of a plugin follow from its descriptor, and every look at a connector asks for them. */
const names = new WeakMap<PluginDescriptor, readonly string[]>()

/** All names by which a config may call a plugin. */
export function namesOf(plugin: PluginDescriptor): readonly string[] {
  const known = names.get(plugin)
  if (known !== undefined) return known
  const { className, kind, aliases } = plugin
  const found = [...new Set([className, simpleName(className), prunedName(className, kind), ...aliases])]
  names.set(plugin, found)
  return found
}

/**
 * The plugins of some kinds that a name means: the one whose class name it is, else all that have it as an alias.
 * Two different classes in the answer make the name ambiguous.
 */
export function pluginsNamed<K extends PluginKind>(
  plugins: readonly PluginDescriptor<K>[],
  name: string,
): readonly PluginDescriptor<K>[] {
  const exact = plugins.filter((plugin) => plugin.className === name)
  return exact.length > 0 ? exact : plugins.filter((plugin) => namesOf(plugin).includes(name))
}
