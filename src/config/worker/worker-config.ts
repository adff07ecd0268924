import { configWithPrefix } from '../definition/config-with-prefix.ts'
import type { ListenAddress } from '../../foundation/network/listen-address.ts'
import { resolve } from 'node:path'

import type { ConfigValue, ParsedConfig, RawConfig } from '../../api/config-def.ts'
import type { PluginDescriptor } from '../../plugin/plugin-descriptor.ts'

import { ConfigError } from '../../api/errors.ts'
import { systemClock } from '../../foundation/clock.ts'
import { isBrokerSetting } from '../../broker/settings/broker-settings.ts'
import { provideApi } from '../../plugin/plugin-api.ts'
import { scanPluginPath, type PluginPathScan } from '../../plugin/plugin-path.ts'
import { PluginRegistry } from '../../plugin/plugin-registry.ts'
import { advertisedProtocolOf } from './advertised.ts'
import { clientSettingWarnings } from './client-overrides.ts'
import {
  allowedMethodsKey,
  allowedOriginsKey,
  crossOriginWarnings,
  parseCrossOrigin,
  type CrossOrigin,
} from './cross-origin.ts'
import { clientSecurity, type ClientSecurity } from './client-security.ts'
import {
  adminListenersKey,
  allowUnauthenticatedKey,
  brokerTokenKey,
  checkReachable,
  clearTextWarnings,
  halfGuardedWarnings,
  hostsKey,
  parseHostAndPort,
  parseListeners,
  restTokenKey,
  type GuardedListener,
  type RestListener,
  type RestProtocol,
} from './listener.ts'
import {
  adminTlsPrefix,
  forwardTls,
  listenersTlsPrefix,
  listenerTls,
  listenerTlsWarnings,
  type ForwardTls,
} from './listener-tls.ts'
import { parseResponseHeaders, responseHeadersKey, type ResponseHeader } from './response-headers.ts'
import { converterClassKeys } from '../connector/converter-config.ts'
import { didYouMean, nearestKey } from '../definition/nearest-key.ts'
import { parseConfig } from '../definition/parse-config.ts'
import { ConfigProviders } from '../providers/config-providers.ts'
import { isUsedLiterally, providerSettings, type WorkerProviders } from '../providers/provider-settings.ts'
import { Redaction } from '../providers/redaction.ts'
import { restLimitsOf, type RestLimits } from './rest-limits.ts'
import { restUsersKey, unsignedUsersWarnings } from './rest-users.ts'
import {
  embeddedBrokerPrefix,
  sampleWorkerConfig,
  settingsWithoutEffect,
  workerConfigDef,
} from './worker-config-def.ts'

/** The embedded broker, if `bootstrap.servers` is not set. */
export interface EmbeddedBrokerConfig {
  readonly listen: ListenAddress
  readonly advertisedHost: string | null
  /** Absolute path. */
  readonly dataDir: string
  /** The user and the file with its password; null if clients need none. */
  readonly access: { readonly username: string; readonly tokenFile: string } | null
  /** Its settings, with Kafka's names. */
  readonly settings: Readonly<Record<string, string>>
}

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
export interface WorkerConfig {
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
  readonly listeners: readonly RestListener[]
  /** Those that serve only `/admin`; null: {@link listeners} serve it. */
  readonly adminListeners: readonly RestListener[] | null
  /** The protocol with which other workers reach {@link listeners}. */
  readonly advertisedProtocol: RestProtocol
  /** The TLS of requests to other workers; null: that of the system. */
  readonly forwardTls: ForwardTls | null
  /** The pages of other origins that may call the REST API; null if none may. */
  readonly crossOrigin: CrossOrigin | null
  readonly responseHeaders: readonly ResponseHeader[]
  /** Additional host names of the REST API. */
  readonly listenersHosts: readonly string[]
  readonly restLimits: RestLimits
  /** The file with the token of the REST API; null if clients need none. */
  readonly restTokenFile: string | null
  /** The file with the users of the REST API; null if there are none. */
  readonly restUsersFile: string | null
  /** Whether the REST API hides passwords. */
  readonly restMaskPasswords: boolean
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
  const tls = (prefix: string) => () => listenerTls(raw, prefix)
  const listeners = parseListeners(list(parsed['listeners'] ?? null), 'listeners', tls(listenersTlsPrefix))
  const adminListeners = parsed[adminListenersKey] ?? null
  if (listeners.length === 0)
    throw new ConfigError('"listeners" names no listener; set listeners=http://127.0.0.1:8083')
  return {
    parsed,
    embedded: cluster ? null : embeddedBroker(parsed, configWithPrefix(raw, embeddedBrokerPrefix)),
    bootstrapServers: list(parsed['bootstrap.servers'] ?? null).join(','),
    groupId: text(parsed, 'group.id'),
    keyConverter: converter(parsed, raw, 'key.converter'),
    valueConverter: converter(parsed, raw, 'value.converter'),
    headerConverter: converter(parsed, raw, 'header.converter'),
    configTopic: internalTopic(parsed, raw, 'config.storage'),
    offsetTopic: internalTopic(parsed, raw, 'offset.storage'),
    statusTopic: internalTopic(parsed, raw, 'status.storage'),
    listeners,
    adminListeners:
      adminListeners === null ? null : parseListeners(list(adminListeners), adminListenersKey, tls(adminTlsPrefix)),
    advertisedProtocol: advertisedProtocolOf(parsed, listeners),
    forwardTls: forwardTls(
      raw,
      listeners.some((listener) => listener.tls !== undefined),
    ),
    crossOrigin: parseCrossOrigin(text(parsed, allowedOriginsKey), text(parsed, allowedMethodsKey)),
    responseHeaders: parseResponseHeaders(text(parsed, responseHeadersKey)),
    listenersHosts: list(parsed[hostsKey] ?? null),
    restLimits: restLimitsOf(parsed),
    restTokenFile: optionalText(parsed, restTokenKey),
    restUsersFile: optionalText(parsed, restUsersKey),
    restMaskPasswords: parsed['rest.mask.passwords'] === true,
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

function embeddedBroker(parsed: ParsedConfig, given: RawConfig): EmbeddedBrokerConfig {
  const key = 'embedded.broker.listener'
  const advertised = text(parsed, 'embedded.broker.advertised.host')
  const tokenFile = optionalText(parsed, brokerTokenKey)
  return {
    listen: parseHostAndPort(text(parsed, key), key),
    advertisedHost: advertised === '' ? null : advertised,
    dataDir: resolve(text(parsed, 'embedded.broker.data.dir')),
    access: tokenFile === null ? null : { username: text(parsed, 'embedded.broker.user'), tokenFile },
    settings: Object.fromEntries(Object.entries(given).filter(([name]) => isBrokerSetting(name))),
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

/** An unknown setting of the embedded broker is an error, because no other component could read it. */
function refuseUnknownBrokerSettings(raw: RawConfig): void {
  const known = Object.keys(workerConfigDef).filter((key) => key.startsWith(embeddedBrokerPrefix))
  for (const key of Object.keys(raw)) {
    if (!key.startsWith(embeddedBrokerPrefix) || known.includes(key)) continue
    const nearest = nearestKey(key, known)
    const hint = nearest === null ? 'docs/reference/worker.md lists those that are' : `did you mean "${nearest}"?`
    throw new ConfigError(`Worker configuration "${key}" is not a setting of the embedded broker; ${hint}`)
  }
}

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

function guardedListeners({
  listeners,
  adminListeners,
  restTokenFile,
  restUsersFile,
  embedded,
}: Pick<
  WorkerConfig,
  'listeners' | 'adminListeners' | 'restTokenFile' | 'restUsersFile' | 'embedded'
>): readonly GuardedListener[] {
  const guardedOf = (key: string, address: RestListener): GuardedListener => ({
    key,
    address,
    tokenKey: restTokenKey,
    isGuarded: restTokenFile !== null || restUsersFile !== null || address.tls?.clientAuth === 'required',
    isEncrypted: address.tls !== undefined,
  })
  const guarded = [
    ...listeners.map((address) => guardedOf('listeners', address)),
    ...(adminListeners ?? []).map((address) => guardedOf(adminListenersKey, address)),
  ]
  if (embedded === null) return guarded
  const { listen: address, access } = embedded
  const key = 'embedded.broker.listener'
  return [...guarded, { address, key, tokenKey: brokerTokenKey, isGuarded: access !== null, isEncrypted: false }]
}

/** Returns warnings if only one of the REST API and the embedded broker needs a token. */
function accessWarnings(
  {
    restTokenFile,
    restUsersFile,
    embedded,
    listeners,
  }: Pick<WorkerConfig, 'restTokenFile' | 'restUsersFile' | 'embedded' | 'listeners'>,
  raw: RawConfig,
): readonly string[] {
  if (embedded === null) {
    if (!Object.hasOwn(raw, brokerTokenKey)) return []
    return [`Worker configuration "${brokerTokenKey}" has no effect: bootstrap.servers names a cluster`]
  }
  const hasCertificates = listeners.every(({ tls }) => tls?.clientAuth === 'required')
  const withoutFile = hasCertificates ? 'ssl.client.auth' : null
  const restKey = restTokenFile !== null ? restTokenKey : restUsersFile !== null ? restUsersKey : withoutFile
  return halfGuardedWarnings(restKey, embedded.access !== null)
}

function text(parsed: ParsedConfig, key: string): string {
  return String(parsed[key] ?? '')
}

function optionalText(parsed: ParsedConfig, key: string): string | null {
  const value = text(parsed, key).trim()
  return value === '' ? null : value
}

function number(parsed: ParsedConfig, key: string): number {
  return Number(parsed[key])
}

function list(value: ConfigValue): readonly string[] {
  return Array.isArray(value) ? value.map(String) : []
}
