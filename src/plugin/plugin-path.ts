import { errorMessage } from '../foundation/error-message.ts'
import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

import { builtInPlugins, fileConnectors, fileConnectorsName } from './built-in-plugins.ts'
import type { PluginDescriptor, PluginKind } from './plugin-descriptor.ts'

/** What was found in the folders of `plugin.path`, and what an operator should know about them. */
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
] satisfies PluginKind[]
const entryKeys: readonly string[] = ['kind', 'class', 'module', 'export', 'aliases']

/**
 * Reads the manifests of third-party plugins without importing any code. Each folder of `plugin.path`, or each of its
 * direct children, is a package whose `package.json` lists its plugins:
 *
 * ```json
 * {"name": "acme-sink", "version": "1.2.0",
 *  "penstock": {"plugins": [{"kind": "sink", "class": "com.acme.AcmeSinkConnector", "module": "./index.js", "aliases": []}]}}
 * ```
 * `export` names the module's export (default `plugin`). What is malformed is a warning with entry and fault, never an error.
 *
 * `connect-file`, or Kafka's `libs/connect-file-3.9.1.jar`, which need not exist, brings Penstock's own file connectors.
 */
export async function scanPluginPath(folders: readonly string[]): Promise<PluginPathScan> {
  const plugins: PluginDescriptor[] = []
  const warnings: string[] = []
  for (const folder of folders) {
    if (isFileConnectors(folder)) plugins.push(...fileConnectors)
    else await scanFolder(resolve(folder), plugins, warnings)
  }
  return { plugins, warnings: [...warnings, ...shadowed(plugins)] }
}

/** Plugins whose class somebody else has already: Penstock's own, then the first that was found, are used. */
function shadowed(plugins: readonly PluginDescriptor[]): readonly string[] {
  const owners = new Map(builtInPlugins.map((plugin) => [idOf(plugin), 'Penstock itself']))
  return plugins.flatMap((plugin) => {
    const owner = owners.get(idOf(plugin))
    if (owner === undefined) owners.set(idOf(plugin), plugin.location ?? 'Penstock itself')
    if (owner === undefined || plugin.location === null) return []
    return `plugin.path: ${plugin.location} declares ${plugin.kind} ${plugin.className}, which ${owner} brings; that one is used`
  })
}

function idOf({ kind, className }: PluginDescriptor): string {
  return `${kind} ${className}`
}

/** `connect-file`, `libs/connect-file-3.9.1.jar`. */
function isFileConnectors(folder: string): boolean {
  const name = basename(folder)
  return name === fileConnectorsName || (name.startsWith(`${fileConnectorsName}-`) && name.endsWith('.jar'))
}

async function scanFolder(folder: string, plugins: PluginDescriptor[], warnings: string[]): Promise<void> {
  let names: string[]
  try {
    names = (await readdir(folder)).toSorted()
  } catch (error) {
    warnings.push(`plugin.path: folder ${folder} cannot be read (${codeOf(error)}) and is passed over`)
    return
  }
  if (names.some((name) => /\.(?:jar|zip)$/i.test(name))) warnings.push(javaWarning(folder))
  if (names.includes('package.json')) {
    await readPackage(folder, plugins, warnings)
    return
  }
  for (const name of names) {
    const child = join(folder, name)
    // A file, or a folder that may not be read, holds no package.
    const inside = await readdir(child).catch((): string[] => [])
    if (inside.includes('package.json')) await readPackage(child, plugins, warnings)
    else if (inside.some((file) => file.endsWith('.jar'))) warnings.push(javaWarning(child))
  }
}

function javaWarning(folder: string): string {
  return `plugin.path: ${folder} holds Java archives; Penstock runs plugins written in JavaScript and passes them over`
}

async function readPackage(folder: string, plugins: PluginDescriptor[], warnings: string[]): Promise<void> {
  const file = join(folder, 'package.json')
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
    const fault = entryFault(entry) ?? (await moduleFault(entry, folder))
    if (fault === null) plugins.push(descriptor(entry, folder, version))
    else warnings.push(`plugin.path: ${file}, entry ${index + 1} of "plugins" ${fault}. The entry is passed over`)
  }
}

/** What is wrong with an entry of the manifest, as the end of a sentence; null when nothing is. */
function entryFault(entry: unknown): string | null {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) return 'is not an object'
  const stranger = Object.keys(entry).find((key) => !entryKeys.includes(key))
  if (stranger !== undefined)
    return `has the unknown key ${JSON.stringify(stranger)}; known are ${entryKeys.join(', ')}`
  const kind = property(entry, 'kind')
  if (kind === 'configprovider') return 'is of kind configprovider, which this version does not load'
  if (typeof kind !== 'string' || !kinds.includes(kind))
    return `has the kind ${JSON.stringify(kind) ?? 'undefined'}; known are ${kinds.join(', ')}`
  for (const key of ['class', 'module'])
    if (text(property(entry, key)) === null) return `has no "${key}" that is a text`
  const exportName = property(entry, 'export')
  if (exportName !== undefined && text(exportName) === null) return 'has an "export" that is not a text'
  const aliases = property(entry, 'aliases')
  const texts = aliases === undefined || (Array.isArray(aliases) && aliases.every((alias) => text(alias) !== null))
  return texts ? null : 'has "aliases" that are not an array of texts'
}

async function moduleFault(entry: unknown, folder: string): Promise<string | null> {
  const path = resolve(folder, String(property(entry, 'module')))
  const found = await stat(path).catch((error: unknown) => codeOf(error))
  if (typeof found === 'string') return `names the module ${path}, which cannot be read (${found})`
  return found.isFile() ? null : `names the module ${path}, which is not a file`
}

/** @param entry one without a fault. */
function descriptor(entry: unknown, folder: string, version: string): PluginDescriptor {
  const aliases = property(entry, 'aliases')
  return {
    kind: property(entry, 'kind') as PluginKind,
    className: String(property(entry, 'class')),
    aliases: Array.isArray(aliases) ? aliases.map(String) : [],
    version,
    module: pathToFileURL(resolve(folder, String(property(entry, 'module')))).href,
    exportName: text(property(entry, 'export')) ?? 'plugin',
    location: folder,
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
