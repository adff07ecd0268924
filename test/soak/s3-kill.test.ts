import { it } from 'vitest'

import { killWorkers } from '../support/s3/s3-kills.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { describeWith, service } from '../support/services.ts'
import { chosenSeed, soakMs } from '../support/soak-run.ts'

describeWith(['versitygw'], 'a worker with an S3 sink that is killed for minutes', () => {
  it('stores every offset once, although each life cuts objects in another way', async () => {
    const seed = chosenSeed()
    process.stderr.write(`S3 kill soak: SEED=${seed}\n`)
    const end = performance.now() + soakMs
    await killWorkers(service('versitygw'), seededRandom(seed), () => performance.now() < end)
  })
})
