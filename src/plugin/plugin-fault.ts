import type { PluginDescriptor, PluginKind } from './plugin-descriptor.ts'

/** The functions that a plugin of each kind must have. */
const functions: Readonly<Record<PluginKind, readonly string[]>> = {
  source: ['createConnector', 'createTask'],
  sink: ['createConnector', 'createTask'],
  converter: ['create'],
  header_converter: ['create'],
  transformation: ['create'],
  predicate: ['create'],
  configprovider: ['create'],
}

/**
 * Returns why a module's export is not the plugin that its manifest describes, and what to change; null if it is. REST and the
 * resolution of class names use the manifest, so the two must be equal.
 */
export function pluginFault(exported: unknown, manifest: PluginDescriptor): string | null {
  const { kind, className, exportName, version } = manifest
  if (typeof exported !== 'object' || exported === null)
    return `the module has no export "${exportName}" that is an object. Export the plugin by that name, or name its export by "export" in package.json.`
  const said = (key: string): unknown => Reflect.get(exported, key)
  const differ = (what: string, ours: string, theirs: unknown): string =>
    `package.json says ${what} ${JSON.stringify(ours)}, the module's export "${exportName}" says ${shown(theirs)}. Make them equal.`
  if (said('kind') !== kind) return differ('kind', kind, said('kind'))
  if (said('className') !== className) return differ('class', className, said('className'))
  if (said('version') !== version) return differ('version', version, said('version'))
  const aliases = said('aliases')
  if (!Array.isArray(aliases)) return `its aliases are ${shown(aliases)}, not an array of strings.`
  const missing = aliases.filter((alias) => !manifest.aliases.includes(String(alias)))
  if (missing.length > 0)
    return `its aliases ${missing.map(String).join(', ')} are not listed in package.json, so no config could use them. List them.`
  const untyped = firstWithoutType(said('configDef'))
  if (untyped !== null) return untyped
  const absent = functions[kind].find((name) => typeof said(name) !== 'function')
  return absent === undefined ? null : `it has no function ${absent}, which a plugin of kind ${kind} needs.`
}

/** Returns why a value is not a ConfigDef, as far as its structure shows; null if it looks like one. */
function firstWithoutType(definition: unknown): string | null {
  if (typeof definition !== 'object' || definition === null)
    return `its configDef is ${shown(definition)}, not an object.`
  const key = Object.entries(definition).find(([, each]) => typeof property(each, 'type') !== 'string')?.[0]
  return key === undefined ? null : `its configDef has the key ${JSON.stringify(key)} without a "type".`
}

function property(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined
}

function shown(value: unknown): string {
  return typeof value === 'object' && value !== null ? 'an object' : (JSON.stringify(value) ?? String(value))
}
