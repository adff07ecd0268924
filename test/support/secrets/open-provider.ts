import type { ConfigProvider, ConfigProviderPlugin, RawConfig } from 'penstock/api'

import { parseConfig } from '../../../src/config/definition/parse-config.ts'

/** Creates a provider as the worker does. */
export function openProvider(plugin: ConfigProviderPlugin, params: RawConfig): ConfigProvider {
  return plugin.create(parseConfig(plugin.configDef, params), params)
}
