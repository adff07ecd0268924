import type { ConfigProblem, ConnectorPlugin, ParsedConfig } from 'penstock/api'

import { bucketProblems } from '../s3-store/config/bucket-problems.ts'
import { storeProblems } from '../s3-store/config/store-problems.ts'
import { configDef, type S3SourceKey } from './config/config.ts'
import { storeOf } from './config/settings.ts'
import { S3SourceConnector } from './connector.ts'
import { checkOffsetChanges } from './offsets.ts'
import { S3SourceTask } from './task.ts'

/** The S3 source, by Confluent's class name. */
export const plugin: ConnectorPlugin = {
  kind: 'source',
  className: 'io.confluent.connect.s3.source.S3SourceConnector',
  aliases: [],
  version: '0.1.0',
  configDef,
  async check(config, _raw, signal) {
    const problems = [...storeProblems(config), ...untilProblems(config)]
    return problems.length > 0 ? problems : await bucketProblems(storeOf(config), signal)
  },
  alterSourceOffsets: (_config, changes) => checkOffsetChanges(changes),
  createConnector: () => new S3SourceConnector(),
  createTask: () => new S3SourceTask(),
}

/** Objects do not say where their records were. */
function untilProblems(config: ParsedConfig): readonly ConfigProblem[] {
  if (config['archive.manifest'] === true) return []
  const keys: readonly S3SourceKey[] = ['archive.until.offset', 'archive.until.timestamp']
  const given = keys.filter((key) => Number(config[key]) >= 0)
  return given.map((key) => ({
    key,
    message: `${key} needs archive.manifest=true: objects do not say it of their records.`,
  }))
}
