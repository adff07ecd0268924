import { it } from 'vitest'
import { killMainJob } from '../../support/worker/kill-main-job.ts'
import { describeWith } from '../../support/services.ts'

describeWith(['postgres', 'elasticsearch', 'minio', 'kcat'], 'workers of a group that are killed under load', () => {
  it('are replaced by the others: nothing is lost in the log, in Elasticsearch and in the archive (I9)', async () => {
    await killMainJob({ ledgerRows: 20_000, writers: 2, rate: 200 })
  }, 900_000)
})
