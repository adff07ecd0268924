import type { ConfigDef, ConfigProblem, RawConfig } from '../../api/config-def.ts'
import type { ConnectorPlugin } from '../../api/connector.ts'
import type { PluginRegistry } from '../../plugin/plugin-registry.ts'
import type { ConfigInfo, ConfigInfos, SubmittedConfig } from '../definition/config-infos.ts'

import { ConfigError } from '../../api/errors.ts'
import { clipped } from '../../foundation/logging/clipped.ts'
import { checkClientOverrides } from '../worker/client-overrides.ts'
import { sinkProblems, type WorkerGroup } from './connector-problems.ts'
import { checkConverters, converterClassKeys } from './converter-config.ts'
import { describeValues, groupsOf, undefinedValue } from '../definition/describe-config.ts'
import { parkProblems } from './errors/park-settings.ts'
import { didYouMean, nearestKey } from '../definition/nearest-key.ts'
import { checkConfig, type CheckedConfig } from '../definition/parse-config.ts'
import type { ReferenceResolver } from '../providers/config-providers.ts'
import { hasReference } from '../providers/provider-reference.ts'
import { referenceProblems, resolvedForValidation, withReferencesShown } from '../providers/referenced-infos.ts'
import { sinkConfigDef } from './sink-config-def.ts'
import { sourceConfigDef } from './source-config-def.ts'
import { stageConfig } from './stage-config.ts'
import { topicCreationDef } from './topic-creation.ts'

/** The context of a validation. */
export interface ValidationContext {
  readonly plugins: PluginRegistry
  readonly providers: ReferenceResolver
  readonly worker: WorkerGroup
  readonly signal: AbortSignal
}

/** A validated connector config. */
export interface ConnectorValidation {
  readonly infos: ConfigInfos
  /** Keys of type PASSWORD with a literal value, which is stored in the config topic and returned by REST (I8). */
  readonly literalSecrets: readonly string[]
}

/** Returns Kafka Connect's message for a config without `connector.class`. Only values of the framework's keys are shown. */
export function missingClassMessage(config: SubmittedConfig): string {
  const { name, ...rest } = config
  const entries = Object.entries(name === undefined ? rest : { name, ...rest })
  const framework = { ...sourceConfigDef, ...sinkConfigDef }
  // Without a class, any other value may be a secret (I8).
  const shown = entries.map(([key, value]) => `${key}=${Object.hasOwn(framework, key) ? value : '[hidden]'}`)
  return `Connector config {${shown.join(', ')}} contains no connector type`
}

/**
 * Validates a connector config as Kafka Connect does: the framework's keys, those of transforms and predicates, the
 * connector's own, then client overrides and converters. Values are checked with their references resolved; the result has
 * only the references (I8). Runs plugin code that may connect to servers, so call it only in the plugin thread.
 * @throws ConfigError if `connector.class` is missing or unknown; ConnectError if a module cannot be imported
 */
export async function validateConnector(
  submitted: SubmittedConfig,
  { plugins, providers, worker, signal }: ValidationContext,
): Promise<ConnectorValidation> {
  const className = submitted['connector.class'] ?? null
  if (className === null) throw new ConfigError(missingClassMessage(submitted))
  const descriptor = plugins.connector(className.trim())
  const plugin = await plugins.load(descriptor)
  const references = await providers.resolve([submitted], signal)
  const problems = referenceProblems(submitted, references)
  const config = resolvedForValidation(submitted, references)
  const stages = await stageConfig(plugins, config, problems.length === 0)
  const converters = await checkConverters(plugins, config, worker, problems.length === 0)
  const baseDef = descriptor.kind === 'source' ? { ...sourceConfigDef, ...topicCreationDef(config) } : sinkConfigDef
  const frameworkDef = { ...converterClassKeys(baseDef, plugins), ...stages.def }
  const framework = withProblems(checkConfig(frameworkDef, config), [
    ...(descriptor.kind === 'sink' ? sinkProblems(config, worker) : []),
    ...parkProblems(descriptor.kind, config),
    ...stages.problems,
    ...converters.problems,
    ...nullProblems(config),
  ])
  const own = await checkOwn(plugin, config, problems.length === 0 ? signal : null)
  const def = { ...frameworkDef, ...plugin.configDef }
  const infos = [
    ...describeValues(def, merge(frameworkDef, framework, plugin.configDef, own)),
    ...checkClientOverrides(descriptor.kind, config),
    ...converters.infos,
  ]
  const unknown = unknownKeys(def, config, infos)
  const configs = withReferencesShown([...unknown.flatMap(suggestion), ...infos], submitted, { references, problems })
  const groups = [...new Set([...groupsOf(def), ...definedGroups(converters.infos)])]
  return {
    infos: summary(className, groups, configs, warningsOf(unknown)),
    literalSecrets: literalSecrets(def, submitted),
  }
}

function definedGroups(configs: readonly ConfigInfo[]): readonly string[] {
  return configs.flatMap(({ definition }) => definition?.group ?? [])
}

function summary(
  name: string,
  groups: readonly string[],
  configs: readonly ConfigInfo[],
  warnings: readonly string[],
): ConfigInfos {
  // Values without a definition come first, as in Connect.
  const isUnknown = ({ definition, value }: ConfigInfo): boolean =>
    definition === null && (value.errors.length > 0 || value.recommendedValues.length > 0)
  const unknown = configs.filter(isUnknown)
  const rest = configs.filter((info) => !isUnknown(info))
  const errorCount = configs.reduce((sum, info) => sum + info.value.errors.length, 0)
  return { name, errorCount, groups, configs: [...unknown, ...rest], warnings }
}

/**
 * Checks the connector's own keys, and if all of them are valid, the connector's rules across several keys.
 * @param signal null: the rules cannot be checked, as values are missing
 */
async function checkOwn(
  plugin: ConnectorPlugin,
  config: SubmittedConfig,
  signal: AbortSignal | null,
): Promise<CheckedConfig> {
  const checked = withProblems(checkConfig(plugin.configDef, config), unsupportedKeys(plugin, config))
  if (checked.problems.length > 0 || plugin.check === undefined || signal === null) return checked
  const raw: RawConfig = Object.fromEntries(
    Object.entries(config).flatMap(([key, value]) => (value === null ? [] : [[key, value]])),
  )
  return withProblems(checked, await plugin.check(checked.parsed, raw, signal))
}

function unsupportedKeys(plugin: ConnectorPlugin, config: SubmittedConfig): readonly ConfigProblem[] {
  return Object.keys(config).flatMap((key) => {
    const reason = plugin.unsupportedKey?.(key) ?? null
    return reason === null ? [] : [{ key, message: `Configuration "${key}" is not supported: ${reason}` }]
  })
}

function withProblems(checked: CheckedConfig, problems: readonly ConfigProblem[]): CheckedConfig {
  return { parsed: checked.parsed, problems: [...checked.problems, ...problems] }
}

/** If the framework and the connector define a key, the connector's value and errors are used. */
function merge(
  frameworkDef: ConfigDef,
  framework: CheckedConfig,
  ownDef: ConfigDef,
  own: CheckedConfig,
): CheckedConfig {
  const kept = framework.problems.filter(({ key }) => !Object.hasOwn(ownDef, key) || !Object.hasOwn(frameworkDef, key))
  return { parsed: { ...framework.parsed, ...own.parsed }, problems: [...kept, ...own.problems] }
}

function nullProblems(config: SubmittedConfig): readonly ConfigProblem[] {
  return Object.entries(config)
    .filter(([, value]) => value === null)
    .map(([key]) => ({ key, message: 'Null value can not be supplied as the configuration value.' }))
}

/** Unknown keys that are reported by name. The nearest known key is searched only for keys up to this length (I10). */
const maxUnknownKeys = 20
const maxMistypedLength = 200

/** Prefixes of keys that plugins read, or that are checked elsewhere. */
const openPrefixes =
  /^(?:(?:key|value|header)\.converter|transforms|predicates|topic\.creation|(?:producer|consumer|admin)\.override)\./

interface UnknownKey {
  readonly key: string
  /** The known key that was probably meant; null if none is similar. */
  readonly nearest: string | null
}

function unknownKeys(def: ConfigDef, config: SubmittedConfig, configs: readonly ConfigInfo[]): readonly UnknownKey[] {
  const shown = new Set(configs.map((info) => info.value.name))
  const known = Object.keys(def)
  return Object.keys(config)
    .filter((key) => !Object.hasOwn(def, key) && !shown.has(key) && !openPrefixes.test(key))
    .map((key, index) => {
      const isLooked = index < maxUnknownKeys && key.length <= maxMistypedLength
      return { key, nearest: isLooked ? nearestKey(key, known) : null }
    })
}

/**
 * Connect omits unknown keys from its response. A key that resembles a known one is probably mistyped: it is shown without a
 * definition, as Connect shows keys with errors, and recommends the known key. Its value may be a secret and is not shown.
 */
function suggestion({ key, nearest }: UnknownKey): readonly ConfigInfo[] {
  if (nearest === null) return []
  const { definition, value } = undefinedValue(key, [])
  return [{ definition, value: { ...value, recommendedValues: [nearest] } }]
}

function warningsOf(unknown: readonly UnknownKey[]): readonly string[] {
  const warnings = unknown.slice(0, maxUnknownKeys).map(({ key, nearest }) => {
    return `Configuration "${clipped(key)}" is not known${didYouMean(nearest)}`
  })
  if (unknown.length > maxUnknownKeys) warnings.push(`${unknown.length - maxUnknownKeys} more keys are not known`)
  return warnings
}

function literalSecrets(def: ConfigDef, config: SubmittedConfig): readonly string[] {
  return Object.entries(def).flatMap(([key, { type }]) =>
    type === 'PASSWORD' && (config[key] ?? '') !== '' && !hasReference(config[key]) ? [key] : [],
  )
}
