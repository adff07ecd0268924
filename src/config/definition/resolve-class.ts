import type { PluginKind } from '../../plugin/plugin-descriptor.ts'
import type { PluginRegistry } from '../../plugin/plugin-registry.ts'

import { unbuiltClass } from '../../plugin/unbuilt-classes.ts'

/** The class that a class name or alias in a config refers to. */
export interface ResolvedClass {
  readonly className: string
  /** Kafka's message for a class of another kind than the key requires; null if the kind is right. */
  readonly problem: string | null
  /** What to use instead of a class that is known but not available; null for all others. */
  readonly unbuilt: string | null
}

const interfaces: Readonly<Record<PluginKind, string>> = {
  source: 'SourceConnector',
  sink: 'SinkConnector',
  converter: 'Converter',
  header_converter: 'HeaderConverter',
  transformation: 'Transformation',
  predicate: 'Predicate',
  configprovider: 'ConfigProvider',
}

/** Returns a function that finds the class of a kind; null if there is none of that name, or the alias is ambiguous. */
export function classResolver(plugins: PluginRegistry, kind: PluginKind): (name: string) => ResolvedClass | null {
  return (name) => {
    const found = plugins.find(kind, name)
    if (found !== null) return { className: found.className, problem: null, unbuilt: null }
    const other = plugins.findAny(name)
    if (other !== null) {
      const { className } = other
      const problem = `Class class ${className} does not implement the ${interfaces[kind]} interface`
      return { className, problem, unbuilt: null }
    }
    const known = unbuiltClass(name)
    return known === null ? null : { className: known.className, problem: null, unbuilt: known.advice }
  }
}
