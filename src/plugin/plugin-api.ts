import { registerHooks } from 'node:module'
import { extname } from 'node:path'

import type { PluginDescriptor } from './plugin-descriptor.ts'

const specifier = 'penstock/api'
const api = new URL(`../api/index${extname(import.meta.url)}`, import.meta.url).href

/**
 * Gives the plugins of `plugin.path` the worker's own `penstock/api`, wherever they lie and whatever lies beside them, as
 * Connect's class loader does with `org.apache.kafka.connect`. To be called once in a thread, before a plugin is loaded.
 */
export function provideApi(plugins: readonly PluginDescriptor[]): void {
  if (plugins.every(({ location }) => location === null)) return
  registerHooks({
    resolve: (wanted, context, nextResolve) =>
      wanted === specifier ? { url: api, shortCircuit: true } : nextResolve(wanted, context),
  })
}
