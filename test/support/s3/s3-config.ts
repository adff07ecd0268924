import type { RawConfig } from 'penstock/api'

import { configDef } from '../../../connectors/s3-sink/config/config.ts'
import { storeSettings, type StoreSettings } from '../../../connectors/s3-store/config/store-settings.ts'
import { parseConfig } from '../../../src/config/definition/parse-config.ts'

/** The settings of a sink that are the same in most tests. */
export const sinkConfig: RawConfig = {
  name: 'archive',
  'format.class': 'io.confluent.connect.s3.format.json.JsonFormat',
  'flush.size': '1000000',
  's3.bucket.name': 'bucket',
  's3.region': 'us-east-1',
  'aws.access.key.id': 'key',
  'aws.secret.access.key': 'secret',
  'topics.dir': '',
}

/** The store settings of a sink. */
export function storeSettingsOf(raw: RawConfig = {}): StoreSettings {
  return storeSettings(parseConfig(configDef, { ...sinkConfig, ...raw }))
}
