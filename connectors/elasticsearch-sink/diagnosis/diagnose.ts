import { ConnectError, RetriableError, type DiagnosisContext, type DiagnosisFinding } from 'penstock/api'
import { openCluster, type Call, type Cluster } from '../client/cluster.ts'
import { settingsOf, type SinkSettings } from '../config/settings.ts'
import { TopicIndices } from '../indices/topic-indices.ts'
import {
  blockFindings,
  diskFindings,
  healthFindings,
  type Allocation,
  type Health,
  type IndexBlocks,
} from './cluster-findings.ts'

/** The look at a cluster that does not respond ends after this time. Milliseconds. */
const requestMs = 3000
const maxIndices = 50

/** Looks at the health of the cluster, the disks of its nodes, and the blocks of the indices. Changes nothing. */
export async function diagnoseElasticsearch(context: DiagnosisContext): Promise<readonly DiagnosisFinding[]> {
  const { config, clock, topics, signal } = context
  const settings = { ...settingsOf(config), requestTimeoutMs: requestMs }
  const cluster = await openCluster(settings, clock)
  const url = settings.urls[0]?.origin ?? ''
  const read = reader(cluster, signal)
  try {
    const denied = await refusal(cluster, signal)
    if (denied !== null) return [denied]
    const indices = indicesOf(settings, topics)
    const [health, disks, blocks] = await Promise.all([
      read<Health>((client, options) => client.cluster.health({}, options)),
      read<readonly Allocation[]>((client, options) => client.cat.allocation({ format: 'json', bytes: 'b' }, options)),
      indices.length === 0
        ? null
        : read<IndexBlocks>((client, options) =>
            client.indices.getSettings({ index: indices, ignore_unavailable: true, name: 'index.blocks.*' }, options),
          ),
    ])
    return [
      ...(health === null ? [] : healthFindings(health, url)),
      ...(blocks === null ? [] : blockFindings(blocks, url)),
      ...(Array.isArray(disks) ? diskFindings(disks, url) : []),
    ]
  } catch (error) {
    if (!(error instanceof RetriableError)) throw error
    return [unavailable(url, error.message)]
  } finally {
    await cluster.close()
  }
}

/** Returns JSON; null where the user may not see it, or this cluster does not have it. */
function reader(cluster: Cluster, signal: AbortSignal): <T>(call: Call) => Promise<T | null> {
  return async <T>(call: Call) => {
    const { status, body } = await cluster.request(call, signal)
    if (status >= 300) return null
    try {
      return JSON.parse(body) as T
    } catch {
      return null
    }
  }
}

/** Why the cluster takes no requests at all; null when it does. */
async function refusal(cluster: Cluster, signal: AbortSignal): Promise<DiagnosisFinding | null> {
  const { status } = await cluster.request((client, options) => client.info({}, options), signal)
  if (status === 401)
    return {
      code: 'ES_DENIED',
      severity: 'error',
      stage: 'sink',
      cause: 'Elasticsearch rejects the credentials of the connector (HTTP 401)',
      evidence: { http_status: status },
      fix: 'Correct connection.username and connection.password, or connection.api.key',
      commands: [],
    }
  return null
}

function unavailable(url: string, message: string): DiagnosisFinding {
  return {
    code: 'ES_UNAVAILABLE',
    severity: 'error',
    stage: 'sink',
    cause: `Elasticsearch at ${url} does not respond: ${message}`,
    evidence: { url },
    fix: '',
    commands: [`curl '${url}/_cluster/health?pretty'`],
  }
}

/** Topics without an index of their own are the concern of the task. */
function indicesOf(settings: SinkSettings, topics: readonly string[]): string[] {
  // Which indices there are, the records tell.
  if (settings.indexName !== null) return []
  const indices = new TopicIndices(settings)
  return topics.slice(0, maxIndices).flatMap((topic) => {
    try {
      return [indices.ofTopic(topic)]
    } catch (error) {
      if (!(error instanceof ConnectError)) throw error
      return []
    }
  })
}
