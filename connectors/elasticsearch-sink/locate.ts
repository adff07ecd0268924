import { systemClock, type ParsedConfig, type SinkPlace, type SinkRecord } from 'penstock/api'
import { openCluster } from './client/cluster.ts'
import { rejection } from './client/requests.ts'
import { settingsOf } from './config/settings.ts'
import { boundedId, documentId, positionId } from './document/document-id.ts'
import { TopicIndices } from './indices/topic-indices.ts'

/** Returns the document of a record; null if it has none, or Elasticsearch gave it an id that no record tells. */
export async function locateDocument(
  config: ParsedConfig,
  record: SinkRecord,
  signal: AbortSignal,
): Promise<SinkPlace | null> {
  const settings = settingsOf(config)
  // A data stream has no document of an id.
  if (settings.autoIds || settings.appendOnly) return null
  const { idTemplate, indexName, routing } = settings
  // The document that a template takes a value from is not rendered here.
  if ([idTemplate, indexName, routing].some((template) => template?.uses.has('value') === true)) return null
  const index = new TopicIndices(settings).of(record, null)
  const byKey = (): string =>
    idTemplate === null ? documentId(record.keySchema, record.key) : boundedId(idTemplate.render(record, null))
  const id = settings.keyIgnored(record.topic) ? positionId(record) : byKey()
  const cluster = await openCluster(settings, systemClock)
  try {
    const routed = routing === null ? {} : { routing: routing.render(record, null) }
    const asked = { index, id, _source: false, ...routed }
    const response = await cluster.request((client, options) => client.get(asked, options), signal)
    if (response.status === 404) return null
    if (response.status !== 200) throw rejection(`the document ${id} of ${index} cannot be read`, response)
    // Its digits: a row version is above 2^53.
    const version = /"_version":(\d+)/.exec(response.body)?.[1] ?? null
    return { kind: 'document', name: `${index}/_doc/${id}`, details: { index, id, version } }
  } finally {
    await cluster.close()
  }
}
