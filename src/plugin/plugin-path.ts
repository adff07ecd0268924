import { errorMessage } from '../foundation/error-message.ts'
import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

import { builtInPlugins, fileConnectors, fileConnectorsName } from './built-in-plugins.ts'
import type { PluginDescriptor, PluginKind } from './plugin-descriptor.ts'

/** The plugins in the directories of `plugin.path`, and warnings to log. */
export interface PluginPathScan {
  readonly plugins: readonly PluginDescriptor[]
  readonly warnings: readonly string[]
}

const kinds: readonly string[] = [
  'source',
  'sink',
  'converter',
  'header_converter',
  'transformation',
  'predicate',
  'configprovider',
] satisfies PluginKind[]
const entryKeys: readonly string[] = ['kind', 'class', 'module', 'export', 'aliases']

/**
 * Reads the manifests of third-party plugins without importing any code. Each directory of `plugin.path`, or each of its
 * direct children, is a package whose `package.json` lists its plugins:
 *
 * ```json
 * {"name": "acme-sink", "version": "1.2.0",
 *  "penstock": {"plugins": [{"kind": "sink", "class": "com.acme.AcmeSinkConnector", "module": "./index.js", "aliases": []}]}}
 * ```
 * `export` is the name of the module's export (default `plugin`). A malformed entry causes a warning, never an error.
 *
 * `connect-file`, or Kafka's `libs/connect-file-3.9.1.jar`, adds Penstock's own file connectors; neither has to exist.
 */
export async function scanPluginPath(directories: readonly string[]): Promise<PluginPathScan> {
  const plugins: PluginDescriptor[] = []
  const warnings: string[] = []
  for (const directory of directories) {
    if (isFileConnectors(directory)) plugins.push(...fileConnectors)
    else await scanDirectory(resolve(directory), plugins, warnings)
  }
  return { plugins, warnings: [...warnings, ...shadowed(plugins)] }
}

/** Warns of plugins with a class that exists already. Penstock's own plugin is used, otherwise the first one found. */
function shadowed(plugins: readonly PluginDescriptor[]): readonly string[] {
  const owners = new Map(builtInPlugins.map((plugin) => [idOf(plugin), 'Penstock itself']))
  return plugins.flatMap((plugin) => {
    const owner = owners.get(idOf(plugin))
    if (owner === undefined) owners.set(idOf(plugin), plugin.location ?? 'Penstock itself')
    if (owner === undefined || plugin.location === null) return []
    return `plugin.path: ${plugin.location} declares ${plugin.kind} ${plugin.className}, which ${owner} declares too; that one is used`
  })
}

function idOf({ kind, className }: PluginDescriptor): string {
  return `${kind} ${className}`
}

/** Returns whether the entry is `connect-file` or a path such as `libs/connect-file-3.9.1.jar`. */
function isFileConnectors(directory: string): boolean {
  const name = basename(directory)
  return name === fileConnectorsName || (name.startsWith(`${fileConnectorsName}-`) && name.endsWith('.jar'))
}

async function scanDirectory(directory: string, plugins: PluginDescriptor[], warnings: string[]): Promise<void> {
  let names: string[]
  try {
    names = (await readdir(directory)).toSorted()
  } catch (error) {
    warnings.push(`plugin.path: directory ${directory} cannot be read (${codeOf(error)}) and is skipped`)
    return
  }
  if (names.some((name) => /\.(?:jar|zip)$/i.test(name))) warnings.push(javaWarning(directory))
  if (names.includes('package.json')) {
    await readPackage(directory, plugins, warnings)
    return
  }
  for (const name of names) {
    const child = join(directory, name)
    // A file or an unreadable directory is not a package.
    const inside = await readdir(child).catch((): string[] => [])
    if (inside.includes('package.json')) await readPackage(child, plugins, warnings)
    else if (inside.some((file) => file.endsWith('.jar'))) warnings.push(javaWarning(child))
  }
}

function javaWarning(directory: string): string {
  return `plugin.path: ${directory} contains Java archives, which are skipped: Penstock runs plugins written in JavaScript`
}

async function readPackage(directory: string, plugins: PluginDescriptor[], warnings: string[]): Promise<void> {
  const file = join(directory, 'package.json')
  let manifest: unknown
  try {
    manifest = JSON.parse(await readFile(file, 'utf8'))
  } catch (error) {
    warnings.push(`plugin.path: ${file} cannot be read: ${errorMessage(error)}`)
    return
  }
  const entries = property(property(manifest, 'penstock'), 'plugins')
  if (!Array.isArray(entries)) {
    warnings.push(`plugin.path: ${file} lists no plugins under "penstock": {"plugins": [...]}`)
    return
  }
  const version = text(property(manifest, 'version')) ?? 'undefined'
  for (const [index, entry] of entries.entries()) {
    const fault = entryFault(entry) ?? (await moduleFault(entry, directory))
    if (fault === null) plugins.push(descriptor(entry, directory, version))
    else warnings.push(`plugin.path: ${file}, entry ${index + 1} of "plugins" ${fault}. The entry is skipped`)
  }
}

/** Returns the problem of an entry in a manifest, as the end of a sentence; null if it is valid. */
function entryFault(entry: unknown): string | null {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) return 'is not an object'
  const stranger = Object.keys(entry).find((key) => !entryKeys.includes(key))
  if (stranger !== undefined)
    return `has the unknown key ${JSON.stringify(stranger)}; known are ${entryKeys.join(', ')}`
  const kind = property(entry, 'kind')
  if (typeof kind !== 'string' || !kinds.includes(kind))
    return `has the kind ${JSON.stringify(kind) ?? 'undefined'}; known are ${kinds.join(', ')}`
  for (const key of ['class', 'module'])
    if (text(property(entry, key)) === null) return `has no "${key}" that is a non-empty string`
  const exportName = property(entry, 'export')
  if (exportName !== undefined && text(exportName) === null) return 'has an "export" that is not a string'
  const aliases = property(entry, 'aliases')
  const texts = aliases === undefined || (Array.isArray(aliases) && aliases.every((alias) => text(alias) !== null))
  return texts ? null : 'has "aliases" that are not an array of strings'
}

async function moduleFault(entry: unknown, directory: string): Promise<string | null> {
  const path = resolve(directory, String(property(entry, 'module')))
  const found = await stat(path).catch((error: unknown) => codeOf(error))
  if (typeof found === 'string') return `names the module ${path}, which cannot be read (${found})`
  return found.isFile() ? null : `names the module ${path}, which is not a file`
}

/** @param entry a valid entry. */
function descriptor(entry: unknown, directory: string, version: string): PluginDescriptor {
  const aliases = property(entry, 'aliases')
  return {
    kind: property(entry, 'kind') as PluginKind,
    className: String(property(entry, 'class')),
    aliases: Array.isArray(aliases) ? aliases.map(String) : [],
    version,
    module: pathToFileURL(resolve(directory, String(property(entry, 'module')))).href,
    exportName: text(property(entry, 'export')) ?? 'plugin',
    location: directory,
  }
}

function property(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}

function codeOf(error: unknown): string {
  return text(property(error, 'code')) ?? String(error)
}
