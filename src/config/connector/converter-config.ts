import { configWithPrefix } from '../definition/config-with-prefix.ts'
import type { ConfigDef, ConfigProblem } from '../../api/config-def.ts'
import type { ConverterPlugin, HeaderConverterPlugin } from '../../api/converter.ts'
import { ConfigError } from '../../api/errors.ts'
import { errorMessage } from '../../foundation/error-message.ts'
import type { PluginKind } from '../../plugin/plugin-descriptor.ts'
import type { PluginRegistry } from '../../plugin/plugin-registry.ts'
import type { ConfigInfo, SubmittedConfig } from '../definition/config-infos.ts'
import type { WorkerGroup } from './connector-problems.ts'

import { oneOf } from '../../api/validators.ts'
import { describeValues } from '../definition/describe-config.ts'
import { checkConfig, type CheckedConfig, type ClassKey } from '../definition/parse-config.ts'
import { classResolver } from '../definition/resolve-class.ts'

const converters = [
  ['header.converter', 'header'],
  ['key.converter', 'key'],
  ['value.converter', 'value'],
] as const

type ConverterKey = (typeof converters)[number][0]

/** The key that the worker sets for every converter: its use. */
const converterType: ConfigDef = {
  'converter.type': {
    type: 'STRING',
    importance: 'LOW',
    doc: 'How this converter will be used.',
    validator: oneOf('key', 'value', 'header'),
  },
}

/** Returns a converter's ConfigDef with the key that the worker sets. Classes that convert only headers do not have it. */
export function converterConfigDef(def: ConfigDef, headersOnly: boolean): ConfigDef {
  return headersOnly ? def : { ...converterType, ...def }
}

/** Returns the ConfigDef with converter keys that accept only converters of this worker, by class name or alias. */
export function converterClassKeys(def: ConfigDef, plugins: PluginRegistry): ConfigDef {
  const keys = converters.map(
    ([key]) => [key, { ...def[key], resolveClass: classResolver(plugins, kindOf(key)) } as ClassKey] as const,
  )
  return { ...def, ...Object.fromEntries(keys) }
}

/** The settings of converters that use a schema registry, or another converter that does. */
const registryUrlKeys = ['schema.registry.url', 'avro.schema.registry.url']

/** Adds the worker's schema registry to the settings of a converter that uses one and names none. */
export function withRegistry<T extends SubmittedConfig>(def: ConfigDef, config: T, url: string | undefined): T {
  const missing = registryUrlKeys.filter((key) => def[key] !== undefined && (config[key] ?? '') === '')
  if (url === undefined || missing.length === 0) return config
  return { ...config, ...Object.fromEntries(missing.map((key) => [key, url])) }
}

/** The settings of a connector's converters, and the problems that no setting of theirs has alone. */
export interface ConverterInfos {
  readonly infos: readonly ConfigInfo[]
  /** Under the key that names the converter. */
  readonly problems: readonly ConfigProblem[]
}

/**
 * Checks the settings of the converters that a connector's config names: header, key, value.
 * @param creates whether those whose settings are valid are created, for what only they can tell of them. Not while values of
 * references are missing
 */
export async function checkConverters(
  plugins: PluginRegistry,
  config: SubmittedConfig,
  { registryUrl }: WorkerGroup,
  creates: boolean,
): Promise<ConverterInfos> {
  const infos: ConfigInfo[] = []
  const problems: ConfigProblem[] = []
  for (const [key, use] of converters) {
    const className = config[key]?.trim()
    const found = className === undefined ? null : plugins.find(kindOf(key), className)
    if (found === null) continue
    const plugin = await plugins.load(found)
    const def = converterConfigDef(plugin.configDef, plugins.find('converter', found.className) === null)
    const own = { 'converter.type': use, ...configWithPrefix(config, `${key}.`) }
    const complete = withRegistry(def, own, registryUrl)
    const checked = checkConfig(def, complete)
    const refusal = creates ? refusalOf(plugin, checked, complete, use === 'key') : null
    const refused = refusal !== null && Object.hasOwn(def, refusal.key) ? [refusal] : []
    if (refusal !== null && refused.length === 0) problems.push({ key, message: refusal.message })
    const all = { ...checked, problems: [...checked.problems, ...refused] }
    infos.push(...prefixed(`${key}.`, describeValues(def, all)))
  }
  return { infos, problems }
}

/** Creates a converter, as its tasks do. Returns why it refuses its settings, with an empty key if that is not known. */
function refusalOf(
  plugin: ConverterPlugin | HeaderConverterPlugin,
  { parsed, problems }: CheckedConfig,
  config: SubmittedConfig,
  isKey: boolean,
): ConfigProblem | null {
  if (problems.length > 0) return null
  const given = Object.entries(config).flatMap(([key, value]) => (value === null ? [] : [[key, value] as const]))
  const raw = Object.fromEntries(given)
  try {
    if (plugin.kind === 'converter') plugin.create(parsed, raw, isKey)
    else plugin.create(parsed, raw)
    return null
  } catch (error) {
    const key = error instanceof ConfigError ? error.key : null
    return { key: key ?? '', message: `${plugin.className} refuses its configuration: ${errorMessage(error)}` }
  }
}

function kindOf(key: ConverterKey): PluginKind & ('converter' | 'header_converter') {
  return key === 'header.converter' ? 'header_converter' : 'converter'
}

function prefixed(prefix: string, configs: readonly ConfigInfo[]): readonly ConfigInfo[] {
  return configs.map(({ definition, value }) => ({
    definition: definition === null ? null : { ...definition, name: prefix + definition.name },
    value: { ...value, name: prefix + value.name },
  }))
}
