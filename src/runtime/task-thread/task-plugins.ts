import { configWithPrefix } from '../../config/definition/config-with-prefix.ts'
import type { RawConfig } from '../../api/config-def.ts'
import type { Predicate } from '../../api/converter.ts'
import { ConfigError } from '../../api/errors.ts'
import { withRegistry } from '../../config/connector/converter-config.ts'
import { parseConfig } from '../../config/definition/parse-config.ts'
import type { Logger } from '../../foundation/logging/logger.ts'
import type { PluginDescriptor, PluginKind, PluginOfKind } from '../../plugin/plugin-descriptor.ts'
import type { PluginRegistry } from '../../plugin/plugin-registry.ts'
import { converterChoice, type WorkerConverters } from '../task-settings.ts'
import type { Converters } from './conversion/record-encoder.ts'
import type { TransformStep } from './conversion/transform-chain.ts'

/** The three converters that a connector's config and the worker's settings ask for. @throws ConfigError */
export async function loadConverters(
  plugins: PluginRegistry,
  connectorConfig: RawConfig,
  settings: WorkerConverters,
): Promise<Converters> {
  const key = converterChoice('key', connectorConfig, settings.keyConverter)
  const value = converterChoice('value', connectorConfig, settings.valueConverter)
  const header = converterChoice('header', connectorConfig, settings.headerConverter)
  const [keyPlugin, valuePlugin, headerPlugin] = await Promise.all([
    load(plugins, 'converter', key.className, 'key.converter'),
    load(plugins, 'converter', value.className, 'value.converter'),
    load(plugins, 'header_converter', header.className, 'header.converter'),
  ])
  const keyConfig = withRegistry(keyPlugin.configDef, key.config, settings.registryUrl)
  const valueConfig = withRegistry(valuePlugin.configDef, value.config, settings.registryUrl)
  return {
    key: keyPlugin.create(parseConfig(keyPlugin.configDef, keyConfig), keyConfig, true),
    value: valuePlugin.create(parseConfig(valuePlugin.configDef, valueConfig), valueConfig, false),
    header: headerPlugin.create(parseConfig(headerPlugin.configDef, header.config), header.config),
    classNames: { key: keyPlugin.className, value: valuePlugin.className, header: headerPlugin.className },
  }
}

/**
 * Loads the transforms of a connector's config, in order, each with its predicate.
 * @param logger that of the task. @throws ConfigError
 */
export async function loadTransforms(
  plugins: PluginRegistry,
  config: RawConfig,
  logger: Logger,
): Promise<readonly TransformStep[]> {
  const predicates = new Map<string, Predicate>()
  for (const alias of aliases(config['predicates'])) {
    const own = configWithPrefix(config, `predicates.${alias}.`)
    const plugin = await load(plugins, 'predicate', own['type'] ?? '', `predicates.${alias}.type`)
    const context = { logger: logger.child(`predicates.${alias}`) }
    predicates.set(alias, plugin.create(parseConfig(plugin.configDef, own), own, context))
  }
  const steps: TransformStep[] = []
  for (const alias of aliases(config['transforms'])) {
    const own = configWithPrefix(config, `transforms.${alias}.`)
    const plugin = await load(plugins, 'transformation', own['type'] ?? '', `transforms.${alias}.type`)
    steps.push({
      alias,
      className: plugin.className,
      transform: plugin.create(parseConfig(plugin.configDef, own), own, {
        logger: logger.child(`transforms.${alias}`),
      }),
      predicate: own['predicate'] === undefined ? null : predicateNamed(predicates, own['predicate'], alias),
      negate: own['negate']?.trim().toLowerCase() === 'true',
    })
  }
  return steps
}

function predicateNamed(predicates: ReadonlyMap<string, Predicate>, name: string, transform: string): Predicate {
  const predicate = predicates.get(name.trim())
  if (predicate === undefined) {
    throw new ConfigError(`transforms.${transform}.predicate names "${name}", which predicates does not list`)
  }
  return predicate
}

function aliases(list: string | undefined): readonly string[] {
  const names = (list ?? '').split(',').map((name) => name.trim())
  return names.filter((name) => name !== '')
}

async function load<K extends PluginKind>(
  plugins: PluginRegistry,
  kind: K,
  className: string,
  key: string,
): Promise<PluginOfKind[K]> {
  const descriptor: PluginDescriptor<K> | null = plugins.find(kind, className.trim())
  if (descriptor === null) throw new ConfigError(`Invalid value ${className} for configuration ${key}: no such ${kind}`)
  return await plugins.load(descriptor)
}
