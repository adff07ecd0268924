import type { RawConfig } from 'penstock/api'
import { it } from 'vitest'

import { formats } from '../../../connectors/s3-sink/config/format-options.ts'
import { killWorkers } from '../../support/s3/s3-kills.ts'
import { seededRandom } from '../../support/seeded-random.ts'
import { describeWith, service } from '../../support/services.ts'

/** The values are texts, and Parquet has structs only. */
const hoisted: RawConfig = {
  transforms: 'hoist',
  'transforms.hoist.type': 'org.apache.kafka.connect.transforms.HoistField$Value',
  'transforms.hoist.field': 'n',
}

const withTombstones: RawConfig = {
  'behavior.on.null.values': 'write',
  'store.kafka.keys': 'true',
  'keys.format.class': formats.avro,
}

describeWith(['versitygw'], 'a worker with an S3 sink that is killed repeatedly', () => {
  it.each<[string, number, RawConfig]>([
    ['JSON Lines', 4, {}],
    ['Avro', 2, { 'format.class': formats.avro, 'avro.codec': 'snappy' }],
    ['JSON Lines with keys and tombstones', 3, withTombstones],
    ['Parquet', 2, { 'format.class': formats.parquet, ...hoisted }],
  ])(
    'stores every offset once, although objects have other boundaries in each run: %s (I9)',
    async (_title, count, format) => {
      const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000)
      process.stderr.write(`S3 kill test: SEED=${seed}\n`)
      await killWorkers(service('versitygw'), seededRandom(seed), (lives) => lives < count, format)
    },
    300_000,
  )
})
