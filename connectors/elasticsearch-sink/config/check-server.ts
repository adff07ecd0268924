import type { ConfigProblem, ParsedConfig } from 'penstock/api'
import { RetriableError, systemClock } from 'penstock/api'
import { openCluster, type Cluster } from '../client/cluster.ts'
import { Key } from './key.ts'
import { settingsOf, type SinkSettings } from './settings.ts'

/**
 * Asks the cluster for a sign of life, and for the existing resources that are to be written to. Any response but 401 is a sign of
 * life: proxies and restricted keys reject `GET /`.
 */
export async function serverProblems(config: ParsedConfig, signal: AbortSignal): Promise<readonly ConfigProblem[]> {
  const settings = settingsOf(config)
  const cluster = await openCluster(settings, systemClock)
  try {
    const { status } = await cluster.request((client, options) => client.info({}, options), signal)
    if (status === 407)
      return [
        {
          key: Key.proxyUsername,
          message: `The proxy rejected the credentials (HTTP 407). Check ${Key.proxyUsername} and ${Key.proxyPassword}.`,
        },
      ]
    return status === 401 ? [rejected(settings)] : await missingResources(settings, cluster, signal)
  } catch (error) {
    if (!(error instanceof RetriableError)) throw error
    return [
      {
        key: Key.connectionUrl,
        message: `Could not connect to Elasticsearch. Error message: ${error.message}. Check that it is running and that the address is correct.`,
      },
    ]
  } finally {
    await cluster.close()
  }
}

function rejected(settings: SinkSettings): ConfigProblem {
  return {
    key: settings.apiKey === null ? Key.username : Key.apiKey,
    message: `Elasticsearch rejected the credentials (HTTP 401). Check ${Key.username} and ${Key.password}, or ${Key.apiKey}.`,
  }
}

async function missingResources(
  { externalResources, requireAlias }: SinkSettings,
  cluster: Cluster,
  signal: AbortSignal,
): Promise<readonly ConfigProblem[]> {
  const problems: ConfigProblem[] = []
  for (const [topic, name] of externalResources ?? []) {
    const { status } = await cluster.request(
      (client, options) =>
        requireAlias ? client.indices.existsAlias({ name }, options) : client.indices.exists({ index: name }, options),
      signal,
    )
    if (status !== 404) continue
    const what = requireAlias ? 'alias' : 'index or data stream'
    problems.push({
      key: Key.externalMapping,
      message: `the ${what} '${name}' of topic '${topic}' does not exist. Create it, or correct the name.`,
    })
  }
  return problems
}
