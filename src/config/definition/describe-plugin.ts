import type { PluginRegistry } from '../../plugin/plugin-registry.ts'
import type { ConfigKeyInfo } from './config-infos.ts'

import { NotFoundError } from '../../api/errors.ts'
import { converterConfigDef } from '../connector/converter-config.ts'
import { describeConfig } from './describe-config.ts'
import { sinkConfigDef } from '../connector/sink-config-def.ts'
import { sourceConfigDef } from '../connector/source-config-def.ts'

/**
 * The keys of a plugin, by class name or alias, as `GET /connector-plugins/{plugin}/config` shows them: its own, then
 * for connectors those of the framework that it does not define itself. Imports the plugin's module.
 * @throws NotFoundError `Unknown plugin x.`
 */
export async function describePlugin(plugins: PluginRegistry, name: string): Promise<readonly ConfigKeyInfo[]> {
  const descriptor = plugins.any(name)
  const { configDef } = await plugins.load(descriptor)
  switch (descriptor.kind) {
    case 'source':
      return describeConfig({ ...configDef, ...sourceConfigDef, ...configDef })
    case 'sink':
      return describeConfig({ ...configDef, ...sinkConfigDef, ...configDef })
    case 'converter':
    case 'header_converter':
      return describeConfig(converterConfigDef(configDef, descriptor.kind === 'header_converter'))
    case 'transformation':
    case 'predicate':
      return describeConfig(configDef)
    case 'configprovider':
      throw new NotFoundError(`Unknown plugin ${name}.`)
  }
}
