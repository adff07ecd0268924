import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

import { ConnectError } from '../../api/errors.ts'
import { scanPluginPath } from '../../plugin/plugin-path.ts'
import { PluginRegistry } from '../../plugin/plugin-registry.ts'

import type { ContractCase } from '../contract/contract-case.ts'

/**
 * Returns the cases of a package's manifest: its `package.json` lists plugins that can be imported and that are as the
 * modules say.
 * @param directory the directory of the package, as a path or URL
 */
export function manifestContract(directory: string | URL): readonly ContractCase[] {
  const path = resolve(directory instanceof URL ? fileURLToPath(directory) : directory)
  return [
    {
      name: 'lists its plugins in package.json',
      run: async () => {
        const { plugins, warnings } = await scanPluginPath([path])
        if (warnings.length > 0) throw new ConnectError(warnings.join('\n'), { code: 'PLUGIN_MANIFEST' })
        if (plugins.length === 0)
          throw new ConnectError(`${join(path, 'package.json')} lists no plugins`, { code: 'PLUGIN_MANIFEST' })
      },
    },
    {
      name: 'has the plugins that package.json lists',
      run: async () => {
        const { plugins } = await scanPluginPath([path])
        const registry = new PluginRegistry(plugins)
        for (const plugin of plugins) await registry.load(plugin)
      },
    },
  ]
}
