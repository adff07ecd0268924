import type { ConfigProblem, ConnectorPlugin, ParsedConfig } from 'penstock/api'
import { RetriableError, systemClock } from 'penstock/api'
import { crossFieldProblems } from './config/check-config.ts'
import { configDef, Key } from './config/config.ts'
import { settingsOf } from './config/settings.ts'
import { ElasticsearchSinkConnector } from './connector.ts'
import { ElasticsearchSinkTask } from './task.ts'
import { openCluster } from './client/cluster.ts'

/** The Elasticsearch sink, by Confluent's class name. */
export const plugin: ConnectorPlugin = {
  kind: 'sink',
  className: 'io.confluent.connect.elasticsearch.ElasticsearchSinkConnector',
  aliases: [],
  version: '0.1.0',
  configDef,
  async check(config, raw, signal) {
    const problems = crossFieldProblems(config, raw)
    return problems.length > 0 ? problems : reachable(config, signal)
  },
  // Documents hold versions, and no position that the task reads.
  alterSinkOffsets: () => true,
  createConnector: () => new ElasticsearchSinkConnector(),
  createTask: () => new ElasticsearchSinkTask(),
}

/** Asks the cluster for a sign of life. Any response but 401 is one: proxies and restricted keys reject `GET /`. */
async function reachable(config: ParsedConfig, signal: AbortSignal): Promise<readonly ConfigProblem[]> {
  const settings = settingsOf(config)
  const cluster = await openCluster(settings, systemClock)
  try {
    const response = await cluster.request((client, options) => client.info({}, options), signal)
    if (response.status !== 401) return []
    const key = settings.apiKey === null ? Key.username : Key.apiKey
    return [
      {
        key,
        message: `Elasticsearch rejected the credentials (HTTP 401). Check ${Key.username} and ${Key.password}, or ${Key.apiKey}.`,
      },
    ]
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
