import { readdir, readFile } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

import { fileConnectors, fileConnectorsName } from './built-in-plugins.ts'
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
  'configprovider',
] satisfies PluginKind[]

/**
 * Reads the manifests of third-party plugins without importing any code. Each folder of `plugin.path`, or each of its
 * direct children, is a package whose `package.json` lists its plugins:
 *
 * ```json
 * {"name": "acme-sink", "version": "1.2.0",
 *  "penstock": {"plugins": [{"kind": "sink", "class": "com.acme.AcmeSinkConnector", "module": "./index.js", "aliases": []}]}}
 * ```
 * `export` names the module's export (default `plugin`). What is missing or malformed is a warning, never an error.
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
  return { plugins, warnings }
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
    warnings.push(`plugin.path: ${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`)
    return
  }
  const entries = property(property(manifest, 'penstock'), 'plugins')
  if (!Array.isArray(entries)) {
    warnings.push(`plugin.path: ${file} lists no plugins under "penstock": {"plugins": [...]}`)
    return
  }
  const version = text(property(manifest, 'version')) ?? 'undefined'
  for (const entry of entries) {
    const plugin = descriptor(entry, folder, version)
    if (plugin === null) warnings.push(`plugin.path: ${file} has an entry without a known kind, class or module`)
    else plugins.push(plugin)
  }
}

function descriptor(entry: unknown, folder: string, version: string): PluginDescriptor | null {
  const kind = text(property(entry, 'kind'))
  const className = text(property(entry, 'class'))
  const module = text(property(entry, 'module'))
  if (kind === null || className === null || module === null || !isKind(kind)) return null
  const aliases = property(entry, 'aliases')
  return {
    kind,
    className,
    aliases: Array.isArray(aliases) ? aliases.filter((alias) => typeof alias === 'string') : [],
    version,
    module: pathToFileURL(resolve(folder, module)).href,
    exportName: text(property(entry, 'export')) ?? 'plugin',
    location: folder,
  }
}

function isKind(text: string): text is PluginKind {
  return kinds.includes(text)
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
