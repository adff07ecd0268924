import type { ConnectorPlugin } from 'penstock/api'
import { crossFieldProblems } from './config/check-config.ts'
import { serverProblems } from './config/check-server.ts'
import { configDef } from './config/config.ts'
import { ElasticsearchSinkConnector } from './connector.ts'
import { locateDocument } from './locate.ts'
import { diagnoseElasticsearch } from './diagnosis/diagnose.ts'
import { ElasticsearchSinkTask } from './task.ts'

/** The Elasticsearch sink, by Confluent's class name. */
export const plugin: ConnectorPlugin = {
  kind: 'sink',
  className: 'io.confluent.connect.elasticsearch.ElasticsearchSinkConnector',
  aliases: [],
  version: '0.1.0',
  configDef,
  async check(config, raw, signal) {
    const problems = crossFieldProblems(config, raw)
    return problems.length > 0 ? problems : serverProblems(config, signal)
  },
  // Documents hold versions, and no position that the task reads.
  alterSinkOffsets: () => true,
  locate: locateDocument,
  diagnose: diagnoseElasticsearch,
  createConnector: () => new ElasticsearchSinkConnector(),
  createTask: () => new ElasticsearchSinkTask(),
}
