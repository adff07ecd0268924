import type { ConnectorPlugin } from 'penstock/api'

import { crossFieldProblems } from './config/check-config.ts'
import { configDef } from './config/config.ts'
import { S3SinkConnector } from './connector.ts'
import { bucketProblems } from '../s3-store/config/bucket-problems.ts'
import { storeSettings } from '../s3-store/config/store-settings.ts'
import { diagnoseStore } from '../s3-store/diagnosis/diagnose.ts'
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
    return problems.length > 0 ? problems : await bucketProblems(storeSettings(config), signal)
  },
  // The names of objects follow from the committed offsets, and not the other way round.
  alterSinkOffsets: () => true,
  // Objects have the later records of the letters' keys already.
  replays: 'letters',
  diagnose: async (context) => await diagnoseStore(storeSettings(context.config), context, 'sink'),
  createConnector: () => new S3SinkConnector(),
  createTask: () => new S3SinkTask(),
}
