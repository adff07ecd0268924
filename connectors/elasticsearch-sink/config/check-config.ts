import type { ConfigProblem, ParsedConfig, RawConfig } from 'penstock/api'
import type { AddProblem } from './add-problem.ts'
import { isPem } from './certificates.ts'
import { Key } from './key.ts'
import { mappingOf, settingsOf, topicsOf, type SinkSettings } from './settings.ts'
import { indexName } from '../indices/index-name.ts'
import { dataStreams } from './check-data-streams.ts'
import { templates } from './check-templates.ts'

/** Checks rules over several fields: Confluent's, and ours. Contacts no server. */
export function crossFieldProblems(config: ParsedConfig, raw: RawConfig): readonly ConfigProblem[] {
  const problems: ConfigProblem[] = []
  const add = (keys: readonly string[], message: string): void => {
    for (const key of keys) problems.push({ key, message })
  }
  const settings = settingsOf(config)
  credentials(settings, add)
  if (config[Key.keyIgnore] === true && !isEmpty(config[Key.topicKeyIgnore])) {
    add([Key.keyIgnore, Key.topicKeyIgnore], `'${Key.topicKeyIgnore}' can not be set if '${Key.keyIgnore}' is 'true'.`)
  }
  if (config[Key.schemaIgnore] === true && !isEmpty(config[Key.topicSchemaIgnore])) {
    add(
      [Key.schemaIgnore, Key.topicSchemaIgnore],
      `'${Key.topicSchemaIgnore}' can not be set if '${Key.schemaIgnore}' is 'true'.`,
    )
  }
  if (settings.lingerMs > settings.flushTimeoutMs) {
    add(
      [Key.lingerMs, Key.flushTimeoutMs],
      `'${Key.lingerMs}' (${settings.lingerMs}) can not be larger than '${Key.flushTimeoutMs}' (${settings.flushTimeoutMs}).`,
    )
  }
  if (settings.maxBuffered < settings.batchSize * settings.maxInFlight) {
    add(
      [Key.maxBuffered, Key.batchSize, Key.maxInFlight],
      `'${Key.maxBuffered}' (${settings.maxBuffered}) must be larger than or equal to '${Key.batchSize}' (${settings.batchSize}) * '${Key.maxInFlight}' (${settings.maxInFlight}).`,
    )
  }
  if (
    settings.writeMethod === 'upsert' &&
    ['header', 'offset'].includes(String(config[Key.documentVersion]).toLowerCase())
  ) {
    add(
      [Key.writeMethod, Key.documentVersion],
      `an upsert cannot carry a version: use '${Key.documentVersion}=auto' or 'none', or '${Key.writeMethod}=insert'.`,
    )
  }
  const caProblem = caTextProblem(settings.caText)
  if (caProblem !== null) add([Key.caText], caProblem)
  secureProtocol(config, settings.urls, add)
  clientCertificate(settings, add)
  proxy(config, settings, add)
  externalResources(config, raw, add)
  dataStreams(config, raw, settings, add)
  templates(config, raw, settings, add)
  if (settings.externalResources === null && settings.dataStream === null && settings.indexName === null)
    nameClashes(raw, add)
  deadLetters(settings, raw, add)
  return problems
}

/** Returns why the text cannot be used as certificate authority; null when it can. */
export function caTextProblem(caText: string | null): string | null {
  if (caText === null || isPem(caText)) return null
  return `'${Key.caText}' holds no certificates that can be read. Set it to PEM text, with its line breaks.`
}

function credentials(settings: SinkSettings, add: AddProblem): void {
  if ((settings.username === null) !== (settings.password === null)) {
    add([Key.username, Key.password], `Both '${Key.username}' and '${Key.password}' must be set.`)
  }
  if (settings.apiKey !== null && settings.username !== null) {
    add([Key.apiKey, Key.username], `Either '${Key.apiKey}' or '${Key.username}' can be set, not both.`)
  }
  const problem = apiKeyProblem(settings.apiKey)
  if (problem !== null) add([Key.apiKey], problem)
}

/** Returns why the API key cannot be sent, without the key (I8); null when it can. User names and passwords are sent in base64. */
export function apiKeyProblem(apiKey: string | null): string | null {
  // What Node accepts in the value of a header.
  if (apiKey === null || /^[\t\u0020-\u007e\u0080-\u00ff]*$/.test(apiKey)) return null
  return `'${Key.apiKey}' contains a line break, another control character or a character outside Latin-1, and no HTTP header can carry these. Set it to the encoded API key (base64 of id:key), on one line.`
}

function secureProtocol(config: ParsedConfig, urls: readonly URL[], add: AddProblem): void {
  const secure = String(config[Key.securityProtocol]).toUpperCase() === 'SSL'
  if (secure && urls.some((url) => url.protocol !== 'https:')) {
    add(
      [Key.securityProtocol, Key.connectionUrl],
      `with '${Key.securityProtocol}=SSL' every address of '${Key.connectionUrl}' must begin with https://.`,
    )
  }
}

function clientCertificate({ clientChain, clientKey, clientFile, tlsVersions }: SinkSettings, add: AddProblem): void {
  if ((clientChain === null) !== (clientKey === null))
    add([Key.clientChain, Key.clientKey], `Both '${Key.clientChain}' and '${Key.clientKey}' must be set.`)
  if (clientChain !== null && clientFile !== null)
    add([Key.clientChain, Key.clientFile], `Either '${Key.clientFile}' or '${Key.clientChain}' can be set, not both.`)
  if (tlsVersions.length === 0)
    add([Key.tlsVersions, Key.tlsProtocol], `'${Key.tlsVersions}' has no version up to '${Key.tlsProtocol}'.`)
}

function proxy(config: ParsedConfig, settings: SinkSettings, add: AddProblem): void {
  const hasUser = String(config[Key.proxyUsername] ?? '') !== ''
  const hasPassword = config[Key.proxyPassword] !== null
  if (hasUser !== hasPassword)
    add([Key.proxyUsername, Key.proxyPassword], `Both '${Key.proxyUsername}' and '${Key.proxyPassword}' must be set.`)
  if (settings.proxy === null && (hasUser || hasPassword))
    add([Key.proxyHost, Key.proxyUsername], `'${Key.proxyHost}' must be set with '${Key.proxyUsername}'.`)
}

function externalResources(config: ParsedConfig, raw: RawConfig, add: AddProblem): void {
  const disabled = String(config[Key.externalUsage]).toLowerCase() === 'disabled'
  const { resources, wrong } = mappingOf(config)
  if (disabled !== isEmpty(config[Key.externalMapping])) {
    add(
      [Key.externalUsage, Key.externalMapping],
      `'${Key.externalUsage}' and '${Key.externalMapping}' must be set together.`,
    )
    return
  }
  for (const message of wrong) add([Key.externalMapping], message)
  if (disabled) return
  if (resources.size > Number(config[Key.externalMappingsMax])) {
    add(
      [Key.externalMapping],
      `more than ${String(config[Key.externalMappingsMax])} mappings ('${Key.externalMappingsMax}').`,
    )
  }
  const topics = topicsOf(raw)
  const unmapped = topics.filter((topic) => !resources.has(topic))
  const unknown = [...resources.keys()].filter((topic) => !topics.includes(topic))
  if (unmapped.length > 0) add([Key.externalMapping], `no resource is given for: ${unmapped.join(', ')}.`)
  if (unknown.length > 0)
    add([Key.externalMapping], `these topics are mapped and not in 'topics': ${unknown.join(', ')}.`)
}

function nameClashes(raw: RawConfig, add: AddProblem): void {
  const byName = new Map<string, string>()
  for (const topic of topicsOf(raw)) {
    const name = indexName(topic)
    if (name.problem !== null)
      add(
        ['topics'],
        `topic '${topic}' has no legal index name: ${name.problem}. Rename it with a RegexRouter transform, or map it with '${Key.externalMapping}'.`,
      )
    const other = byName.get(name.name)
    if (other !== undefined && other !== topic) {
      add(
        ['topics'],
        `topics '${other}' and '${topic}' would both be written to index '${name.name}'. Route one elsewhere with a RegexRouter transform, or use '${Key.externalMapping}'.`,
      )
    }
    byName.set(name.name, topic)
  }
}

/** With `report`, a document that Elasticsearch rejects is skipped only because it is kept elsewhere. */
function deadLetters({ malformed }: SinkSettings, raw: RawConfig, add: AddProblem): void {
  if (malformed !== 'report' || (raw['errors.deadletterqueue.topic.name'] ?? '').trim() !== '') return
  add(
    [Key.malformed],
    `'${Key.malformed}=report' needs a dead letter queue: set 'errors.tolerance=all' and 'errors.deadletterqueue.topic.name'.`,
  )
}

function isEmpty(value: unknown): boolean {
  return !Array.isArray(value) || value.length === 0
}
