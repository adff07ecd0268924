import type { RawConfig } from 'penstock/api'
import { it } from 'vitest'

import { killWorkers } from '../../support/s3/s3-kills.ts'
import { seededRandom } from '../../support/seeded-random.ts'
import { describeWith, service } from '../../support/services.ts'

describeWith(['versitygw'], 'a worker with an S3 sink that is killed repeatedly', () => {
  it.each<[string, number, RawConfig]>([
    ['JSON Lines', 4, {}],
    ['Avro', 2, { 'format.class': 'io.confluent.connect.s3.format.avro.AvroFormat', 'avro.codec': 'snappy' }],
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
