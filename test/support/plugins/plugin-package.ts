import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { testPlugin } from './descriptors.ts'

/** Writes a package for `plugin.path` that has one plugin of this directory, by the beginning of its name such as `leaky`. */
export function writePluginPackage(directory: string, name: string): void {
  const { kind, className, module } = testPlugin(name)
  const plugins = [{ kind, class: className, module: fileURLToPath(module) }]
  mkdirSync(directory, { recursive: true })
  writeFileSync(join(directory, 'package.json'), JSON.stringify({ version: '1', penstock: { plugins } }))
}
