import { systemClock, type ConfigProblem, type ConnectorPlugin, type ParsedConfig } from 'penstock/api'

import { crossFieldProblems } from './config/check-config.ts'
import { configDef, type S3Key } from './config/config.ts'
import { S3SinkConnector } from './connector.ts'
import { S3RefusedError, S3UnavailableError } from '../s3-store/client/s3-error.ts'
import { storeSettings } from '../s3-store/config/store-settings.ts'
import { S3SinkTask } from './task.ts'

/** The S3 sink, by Confluent's class name. */
export const plugin: ConnectorPlugin = {
  kind: 'sink',
  className: 'io.confluent.connect.s3.S3SinkConnector',
  aliases: [],
  version: '0.1.0',
  configDef,
  async check(config, _raw, signal) {
    const problems = crossFieldProblems(config)
    return problems.length > 0 ? problems : await bucketProblems(config, signal)
  },
  // The names of objects follow from the committed offsets, and not the other way round.
  alterSinkOffsets: () => true,
  // An object that begins at the offset of a letter would be replaced.
  replays: false,
  createConnector: () => new S3SinkConnector(),
  createTask: () => new S3SinkTask(),
}

const keyOfCode: Readonly<Record<string, S3Key>> = {
  S3_NO_BUCKET: 's3.bucket.name',
  S3_REGION: 's3.region',
  S3_CREDENTIALS: 'aws.access.key.id',
}

/** Asks the store for the bucket. Only then does the thread load the SDK. */
async function bucketProblems(config: ParsedConfig, signal: AbortSignal): Promise<readonly ConfigProblem[]> {
  const { S3Store } = await import('../s3-store/client/s3-store.ts')
  const store = new S3Store(storeSettings(config), systemClock)
  try {
    await store.checkBucket(signal)
    return []
  } catch (error) {
    if (error instanceof S3RefusedError) {
      return [{ key: keyOfCode[error.code ?? ''] ?? 's3.bucket.name', message: error.message }]
    }
    if (error instanceof S3UnavailableError) {
      const check = 'Check that the store is running, and that store.url (without one: s3.region) is correct.'
      return [{ key: 'store.url', message: `${error.message}. ${check}` }]
    }
    throw error
  } finally {
    store.close()
  }
}
