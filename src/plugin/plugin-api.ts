import { registerHooks } from 'node:module'
import { extname } from 'node:path'

import type { PluginDescriptor } from './plugin-descriptor.ts'

const specifier = 'penstock/api'
const api = new URL(`../api/index${extname(import.meta.url)}`, import.meta.url).href

/**
 * Resolves `penstock/api` in the plugins of `plugin.path` to the worker's own module, whatever they have in their
 * `node_modules`, as Connect's class loader does with `org.apache.kafka.connect`. Call it once per thread, before a plugin is
 * loaded.
 */
export function provideApi(plugins: readonly PluginDescriptor[]): void {
  if (plugins.every(({ location }) => location === null)) return
  registerHooks({
    resolve: (wanted, context, nextResolve) =>
      wanted === specifier ? { url: api, shortCircuit: true } : nextResolve(wanted, context),
  })
}
