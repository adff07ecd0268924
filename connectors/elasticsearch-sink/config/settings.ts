import type { SecureVersion } from 'node:tls'
import type { ParsedConfig } from 'penstock/api'
import type { Proxy } from '../client/proxy.ts'
import { parseTemplate, type RecordTemplate } from '../document/record-template.ts'
import { parseDefinition, type IndexDefinition } from '../indices/index-definition.ts'
import type { StreamParts } from '../indices/stream-name.ts'
import { Key } from './key.ts'

/** The settings, named and typed. Sizes in bytes, times in milliseconds. */
export interface SinkSettings {
  readonly urls: readonly URL[]
  readonly username: string | null
  readonly password: string | null
  readonly apiKey: string | null
  /** PEM text of the certificate authority, or the file that holds it. */
  readonly caText: string | null
  readonly caFile: string | null
  /** The certificates and the private key of the sink, as PEM text. */
  readonly clientChain: string | null
  readonly clientKey: string | null
  /** A file with both. */
  readonly clientFile: string | null
  readonly clientStore: 'pem' | 'pkcs12'
  readonly keyPassword: string | null
  readonly storePassword: string | null
  /** Whether the certificate of a node must name its host. */
  readonly verifyHost: boolean
  /** The versions of TLS, from the lowest. */
  readonly tlsVersions: readonly SecureVersion[]
  readonly proxy: Proxy | null
  readonly batchSize: number
  readonly bulkSizeBytes: number
  readonly maxInFlight: number
  readonly maxBuffered: number
  readonly lingerMs: number
  readonly maxRetries: number
  readonly retryBackoffMs: number
  readonly compression: boolean
  readonly requestTimeoutMs: number
  readonly idleTimeMs: number
  readonly flushTimeoutMs: number
  readonly documentVersion: 'auto' | 'header' | 'offset' | 'none'
  readonly versionHeader: string
  readonly values: 'exact' | 'raw'
  readonly unwrap: boolean
  readonly placeholder: string
  readonly keyIgnored: (topic: string) => boolean
  readonly schemaIgnored: (topic: string) => boolean
  readonly compactMaps: boolean
  readonly dropInvalid: boolean
  readonly nullValues: 'ignore' | 'delete' | 'fail'
  /** `report` is of Aiven's sink: skip, and keep a dead letter. */
  readonly malformed: 'ignore' | 'warn' | 'fail' | 'report'
  /** What to do at an unexplained conflict. Versions of a user's own header may come in any order: their conflicts are ignored. */
  readonly versionConflict: 'fail' | 'warn' | 'ignore'
  readonly writeMethod: 'insert' | 'upsert'
  readonly autoIds: boolean
  /** Existing resource by topic; null when indices are named after topics. */
  readonly externalResources: ReadonlyMap<string, string> | null
  /** Whether these are aliases: without its alias, Elasticsearch would create an index of that name for a write. */
  readonly requireAlias: boolean
  /** The parts of the names of data streams that the sink creates; null without. */
  readonly dataStream: StreamParts | null
  /** The ids of documents, where they are not the keys. */
  readonly idTemplate: RecordTemplate | null
  readonly routing: RecordTemplate | null
  /** The names of indices, where they are not those of topics. */
  readonly indexName: RecordTemplate | null
  readonly indexDefinition: IndexDefinition
  readonly pipeline: string | null
  /** Whether records are appended to data streams: no document is replaced or deleted. */
  readonly appendOnly: boolean
  /** The first of these fields that a value has becomes `@timestamp` in data streams; the record's timestamp where there are none. */
  readonly timestampFields: readonly string[]
}

const versionHeader = '__penstock.version'

/** The settings of a parsed config. */
export function settingsOf(config: ParsedConfig): SinkSettings {
  const text = (name: string): string => String(config[name] ?? '')
  const optional = (name: string): string | null =>
    config[name] === null || config[name] === undefined ? null : text(name)
  const word = <T extends string>(name: string): T => text(name).toLowerCase() as T
  const keyIgnored = new Set(list(config, Key.topicKeyIgnore))
  const schemaIgnored = new Set(list(config, Key.topicSchemaIgnore))
  const upsert = word(Key.writeMethod) === 'upsert'
  const named = text(Key.versionHeader) !== ''
  const version = word<SinkSettings['documentVersion']>(Key.documentVersion)
  const usage = word<string>(Key.externalUsage)
  const dataStream = dataStreamOf(config)
  const appendOnly = dataStream !== null || usage.endsWith('datastream')
  const nullValues = word<SinkSettings['nullValues']>(Key.nullValues)
  return {
    urls: list(config, Key.connectionUrl).map(parseUrl),
    username: optional(Key.username),
    password: optional(Key.password),
    apiKey: optional(Key.apiKey),
    caText: text(Key.caText).trim() === '' ? null : optional(Key.caText),
    caFile: optional(Key.caFile),
    clientChain: optional(Key.clientChain),
    clientKey: optional(Key.clientKey),
    clientFile: optional(Key.clientFile),
    clientStore: word(Key.clientType),
    keyPassword: optional(Key.clientKeyPassword),
    storePassword: optional(Key.clientStorePassword),
    verifyHost: text(Key.tlsHostCheck) !== '',
    tlsVersions: tlsVersionsOf(config),
    proxy: proxyOf(config),
    batchSize: Number(config[Key.batchSize]),
    bulkSizeBytes: config[Key.bulkSizeBytes] === -1 ? Number.MAX_SAFE_INTEGER : Number(config[Key.bulkSizeBytes]),
    maxInFlight: Number(config[Key.maxInFlight]),
    maxBuffered: Number(config[Key.maxBuffered]),
    lingerMs: Number(config[Key.lingerMs]),
    maxRetries: Number(config[Key.maxRetries]),
    retryBackoffMs: Number(config[Key.retryBackoffMs]),
    compression: config[Key.compression] === true,
    requestTimeoutMs: Number(config[Key.connectionTimeoutMs]) + Number(config[Key.readTimeoutMs]),
    idleTimeMs: Number(config[Key.idleTimeMs]),
    flushTimeoutMs: Number(config[Key.flushTimeoutMs]),
    documentVersion: upsert || appendOnly ? 'none' : version === 'auto' && named ? 'header' : version,
    versionHeader: named ? text(Key.versionHeader) : versionHeader,
    values: word(Key.documentValues),
    unwrap: word(Key.envelope) === 'unwrap',
    placeholder: text(Key.placeholder),
    keyIgnored: (topic) => config[Key.keyIgnore] === true || keyIgnored.has(topic),
    schemaIgnored: (topic) => config[Key.schemaIgnore] === true || schemaIgnored.has(topic),
    compactMaps: config[Key.compactMaps] === true,
    dropInvalid: config[Key.dropInvalid] === true,
    nullValues: appendOnly && nullValues === 'delete' ? 'fail' : nullValues,
    malformed: word(Key.malformed),
    versionConflict: named && text(Key.versionHeader) !== versionHeader ? 'ignore' : word(Key.versionConflict),
    writeMethod: upsert ? 'upsert' : 'insert',
    autoIds: config[Key.autoIds] === true && !upsert,
    externalResources: usage === 'disabled' ? null : mappingOf(config).resources,
    requireAlias: usage.startsWith('alias'),
    dataStream,
    appendOnly,
    idTemplate: templateOf(config, Key.idTemplate),
    routing: templateOf(config, Key.routing),
    indexName: templateOf(config, Key.indexName),
    indexDefinition: text(Key.indexDefinition) === '' ? {} : parseDefinition(text(Key.indexDefinition)),
    pipeline: text(Key.pipeline) === '' ? null : text(Key.pipeline),
    timestampFields: list(config, Key.streamTimestamp),
  }
}

function dataStreamOf(config: ParsedConfig): StreamParts | null {
  const [type, dataset, namespace] = [Key.streamType, Key.streamDataset, Key.streamNamespace].map((name) =>
    String(config[name] ?? ''),
  )
  if (type === undefined || dataset === undefined || namespace === undefined) return null
  return type.toLowerCase() === 'none' || dataset === '' ? null : { type: type.toLowerCase(), dataset, namespace }
}

function templateOf(config: ParsedConfig, name: string): RecordTemplate | null {
  const text = String(config[name] ?? '')
  return text === '' ? null : parseTemplate(text)
}

function tlsVersionsOf(config: ParsedConfig): readonly SecureVersion[] {
  const highest = String(config[Key.tlsProtocol]).toLowerCase()
  return (['TLSv1.2', 'TLSv1.3'] as const).filter(
    (version) => list(config, Key.tlsVersions).includes(version) && (highest !== 'tlsv1.2' || version === 'TLSv1.2'),
  )
}

function proxyOf(config: ParsedConfig): Proxy | null {
  const [host, username] = [String(config[Key.proxyHost] ?? ''), String(config[Key.proxyUsername] ?? '')]
  const password = config[Key.proxyPassword]
  if (host === '') return null
  return {
    host,
    port: Number(config[Key.proxyPort]),
    username: username === '' ? null : username,
    password: typeof password === 'string' ? password : null,
  }
}

function list(config: ParsedConfig, name: string): readonly string[] {
  const value = config[name]
  return Array.isArray(value) ? value.map(String) : []
}

function parseUrl(text: string): URL {
  return new URL(text.includes('://') ? text : `http://${text}`)
}

/** The `topic:resource` items, and messages for those that have another form or repeat a name. */
export function mappingOf(config: ParsedConfig): { resources: ReadonlyMap<string, string>; wrong: readonly string[] } {
  const resources = new Map<string, string>()
  const wrong: string[] = []
  for (const item of list(config, Key.externalMapping)) {
    const [topic, resource, ...more] = item.split(':').map((part) => part.trim())
    if (topic === undefined || resource === undefined || topic === '' || resource === '' || more.length > 0) {
      wrong.push(`'${item}' does not have the form topic:resource`)
    } else if (resources.has(topic) || [...resources.values()].includes(resource)) {
      wrong.push(`'${item}' names a topic or a resource a second time`)
    } else resources.set(topic, resource)
  }
  return { resources, wrong }
}

/** The topics of the setting `topics`; empty with `topics.regex`. */
export function topicsOf(raw: Readonly<Record<string, string>>): readonly string[] {
  return (raw['topics'] ?? '')
    .split(',')
    .map((topic) => topic.trim())
    .filter((topic) => topic !== '')
}
