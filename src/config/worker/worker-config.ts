import { configWithPrefix } from '../definition/config-with-prefix.ts'

import type { ParsedConfig, RawConfig } from '../../api/config-def.ts'
import type { PluginDescriptor } from '../../plugin/plugin-descriptor.ts'

import { ConfigError } from '../../api/errors.ts'
import { systemClock } from '../../foundation/clock.ts'
import { provideApi } from '../../plugin/plugin-api.ts'
import { scanPluginPath, type PluginPathScan } from '../../plugin/plugin-path.ts'
import { PluginRegistry } from '../../plugin/plugin-registry.ts'
import { clientSettingWarnings } from './client-overrides.ts'
import { crossOriginWarnings } from './rest/cross-origin.ts'
import { clientSecurity, type ClientSecurity } from './client-security.ts'
import { allowUnauthenticatedKey, checkReachable, clearTextWarnings } from './rest/listener.ts'
import { listenerTlsWarnings } from './rest/listener-tls.ts'
import { converterClassKeys } from '../connector/converter-config.ts'
import { didYouMean, nearestKey } from '../definition/nearest-key.ts'
import { parseConfig } from '../definition/parse-config.ts'
import { ConfigProviders } from '../providers/config-providers.ts'
import { embeddedBroker, refuseUnknownBrokerSettings, type EmbeddedBrokerConfig } from './embedded-broker-config.ts'
import { accessWarnings, guardedListeners } from './guarded-listeners.ts'
import { list, number, text } from './parsed-values.ts'
import { isUsedLiterally, providerSettings, type WorkerProviders } from '../providers/provider-settings.ts'
import { Redaction } from '../providers/redaction.ts'
import { registryConfig, type RegistryConfig } from './registry-config.ts'
import { restSettings, type RestSettings } from './rest/rest-settings.ts'
import { unsignedUsersWarnings } from './rest/rest-users.ts'
import {
  embeddedBrokerPrefix,
  sampleWorkerConfig,
  settingsWithoutEffect,
  workerConfigDef,
} from './worker-config-def.ts'

/** A converter class with its settings, without prefix. */
export interface WorkerConverter {
  readonly className: string
  readonly config: RawConfig
}

/** An internal topic, and how to create it if it does not exist. Counts of -1 are the broker's default. */
export interface InternalTopic {
  readonly name: string
  readonly partitions: number
  readonly replicationFactor: number
  readonly configs: Readonly<Record<string, string>>
}

/** The validated configuration of a worker. */
export interface WorkerConfig extends RestSettings {
  /** All keys of the ConfigDef. */
  readonly parsed: ParsedConfig
  /** Null if `bootstrap.servers` names a cluster. */
  readonly embedded: EmbeddedBrokerConfig | null
  /** Comma-separated; empty with the embedded broker. */
  readonly bootstrapServers: string
  readonly groupId: string
  readonly keyConverter: WorkerConverter
  readonly valueConverter: WorkerConverter
  readonly headerConverter: WorkerConverter
  readonly configTopic: InternalTopic
  readonly offsetTopic: InternalTopic
  readonly statusTopic: InternalTopic
  /** Null: the worker serves no schema registry. */
  readonly registry: RegistryConfig | null
  readonly offsetFlushIntervalMs: number
  readonly offsetFlushTimeoutMs: number
  readonly taskShutdownTimeoutMs: number
  readonly taskThreadsMax: number
  /** How long a task may block a shared thread, and its own thread, in milliseconds. */
  readonly blocking: { readonly sharedMs: number; readonly ownMs: number }
  readonly topicTracking: boolean
  readonly topicTrackingReset: boolean
  readonly security: ClientSecurity
  /** The settings `producer.*`, without prefix. */
  readonly producer: RawConfig
  /** The settings `consumer.*`, without prefix. */
  readonly consumer: RawConfig
  /** The plugins in `plugin.path`. */
  readonly foundPlugins: readonly PluginDescriptor[]
  readonly providers: WorkerProviders
  /** Warnings to log at startup. */
  readonly warnings: readonly string[]
}

/**
 * Validates a worker's settings: those of Connect's distributed worker, and Penstock's own. References to config providers
 * are resolved; messages have the references only (I8).
 * @param options.file whether they come from a properties file. With a file and a cluster, Connect's required keys are
 *   required; otherwise they default to the values of Connect's sample file.
 * @throws ConfigError with all problems of single keys, or the first problem across keys
 */
export async function loadWorkerConfig(given: RawConfig, options: { readonly file: boolean }): Promise<WorkerConfig> {
  const directories = (given['plugin.path'] ?? '').split(',').map((directory) => directory.trim())
  const scan = await scanPluginPath(directories.filter((directory) => directory !== ''))
  const { raw, providers } = await withSecrets(given, scan)
  const redaction = new Redaction(providers.secrets)
  try {
    const { warnings, ...config } = validated(raw, scan, options)
    return { ...config, providers, warnings: redaction.value(warnings) }
  } catch (error) {
    throw redaction.error(error)
  }
}

/** Resolves the references in the worker's own settings. Plugins on `plugin.path` may provide them. @throws ConfigError */
async function withSecrets(
  given: RawConfig,
  { plugins: found }: PluginPathScan,
): Promise<{ readonly raw: RawConfig; readonly providers: WorkerProviders }> {
  const settings = providerSettings(given)
  if (settings.length > 0) provideApi(found)
  const providers = new ConfigProviders({ settings, plugins: new PluginRegistry(found), clock: systemClock })
  await providers.check()
  const entries = Object.entries(given)
  const resolvable = Object.fromEntries(entries.filter(([key]) => !isUsedLiterally(key)))
  const references = await providers.resolve([resolvable])
  return { raw: { ...given, ...references.complete(resolvable) }, providers: { settings, secrets: references.secrets } }
}

function validated(
  given: RawConfig,
  scan: PluginPathScan,
  options: { readonly file: boolean },
): Omit<WorkerConfig, 'providers'> {
  const cluster = (given['bootstrap.servers'] ?? '').trim() !== ''
  const raw = options.file && cluster ? given : { ...sampleWorkerConfig, ...given }
  refuseUnknownBrokerSettings(raw)
  const parsed = parseConfig(converterClassKeys(workerConfigDef, new PluginRegistry(scan.plugins)), raw)
  const allowed = parsed[allowUnauthenticatedKey] === true
  checkSignatureAlgorithms(parsed)
  const config = typed(parsed, raw, cluster)
  const listeners = guardedListeners(config)
  for (const listener of listeners) checkReachable(listener, allowed)
  return {
    ...config,
    foundPlugins: scan.plugins,
    warnings: [
      ...scan.warnings,
      ...unknownKeys(raw),
      ...withoutEffect(raw, parsed),
      ...clientSettingWarnings(raw),
      ...listeners.flatMap(clearTextWarnings),
      ...accessWarnings(config, raw),
      ...unsignedUsersWarnings(config, text(parsed, 'connect.protocol')),
      ...listenerTlsWarnings(raw),
      ...crossOriginWarnings(config.crossOrigin, config.restTokenFile !== null || config.restUsersFile !== null),
    ],
  }
}

/** A worker accepts what it signs itself. */
function checkSignatureAlgorithms(parsed: ParsedConfig): void {
  const algorithm = text(parsed, 'inter.worker.signature.algorithm')
  if (list(parsed['inter.worker.verification.algorithms'] ?? null).includes(algorithm)) return
  throw new ConfigError(
    `inter.worker.verification.algorithms has to contain ${algorithm}, which inter.worker.signature.algorithm names`,
  )
}

function typed(
  parsed: ParsedConfig,
  raw: RawConfig,
  cluster: boolean,
): Omit<WorkerConfig, 'foundPlugins' | 'providers' | 'warnings'> {
  return {
    parsed,
    embedded: cluster ? null : embeddedBroker(parsed, configWithPrefix(raw, embeddedBrokerPrefix)),
    bootstrapServers: list(parsed['bootstrap.servers'] ?? null).join(','),
    registry: registryConfig(parsed, !cluster),
    groupId: text(parsed, 'group.id'),
    keyConverter: converter(parsed, raw, 'key.converter'),
    valueConverter: converter(parsed, raw, 'value.converter'),
    headerConverter: converter(parsed, raw, 'header.converter'),
    configTopic: internalTopic(parsed, raw, 'config.storage'),
    offsetTopic: internalTopic(parsed, raw, 'offset.storage'),
    statusTopic: internalTopic(parsed, raw, 'status.storage'),
    ...restSettings(parsed, raw),
    offsetFlushIntervalMs: number(parsed, 'offset.flush.interval.ms'),
    offsetFlushTimeoutMs: number(parsed, 'offset.flush.timeout.ms'),
    taskShutdownTimeoutMs: number(parsed, 'task.shutdown.graceful.timeout.ms'),
    taskThreadsMax: number(parsed, 'task.threads.max'),
    blocking: {
      sharedMs: number(parsed, 'task.threads.blocked.max.ms'),
      ownMs: number(parsed, 'task.blocked.max.ms'),
    },
    topicTracking: parsed['topic.tracking.enable'] === true,
    topicTrackingReset: parsed['topic.tracking.allow.reset'] === true,
    security: clientSecurity(raw),
    producer: configWithPrefix(raw, 'producer.'),
    consumer: configWithPrefix(raw, 'consumer.'),
  }
}

function converter(
  parsed: ParsedConfig,
  raw: RawConfig,
  key: 'key.converter' | 'value.converter' | 'header.converter',
): WorkerConverter {
  return { className: text(parsed, key), config: configWithPrefix(raw, `${key}.`) }
}

function internalTopic(
  parsed: ParsedConfig,
  raw: RawConfig,
  prefix: 'config.storage' | 'offset.storage' | 'status.storage',
): InternalTopic {
  const fixed = new Set(['topic', 'partitions', 'replication.factor', 'cleanup.policy'])
  const configs = Object.entries(configWithPrefix(raw, `${prefix}.`)).filter(([key]) => !fixed.has(key))
  return {
    name: text(parsed, `${prefix}.topic`),
    partitions: prefix === 'config.storage' ? 1 : number(parsed, `${prefix}.partitions`),
    replicationFactor: number(parsed, `${prefix}.replication.factor`),
    configs: Object.fromEntries(configs),
  }
}

/** Prefixes of keys that are read elsewhere. */
const openPrefixes =
  /^(?:producer|consumer|admin|(?:key|value|header)\.converter|(?:config|offset|status)\.storage|config\.providers|sasl|ssl|listeners\.https|metrics\.context)\./

function unknownKeys(raw: RawConfig): readonly string[] {
  return Object.keys(raw)
    .filter((key) => !Object.hasOwn(workerConfigDef, key) && !openPrefixes.test(key))
    .map((key) => {
      const nearest = nearestKey(key, Object.keys(workerConfigDef))
      return `Worker configuration "${key}" is not known${didYouMean(nearest)}`
    })
}

function withoutEffect(raw: RawConfig, parsed: ParsedConfig): readonly string[] {
  return Object.entries(settingsWithoutEffect)
    .filter(([key, { defaultValue }]) => Object.hasOwn(raw, key) && String(parsed[key]) !== String(defaultValue))
    .map(([key, { doc }]) => `Worker configuration "${key}" has no effect: ${doc}`)
}
