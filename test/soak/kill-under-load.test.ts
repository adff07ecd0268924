import { it } from 'vitest'
import { killUnderLoad } from '../support/worker/kill-under-load.ts'
import { describeWith } from '../support/services.ts'

describeWith(
  ['postgres', 'elasticsearch', 'minio', 'kcat'],
  'a worker killed forty times under three times the load',
  () => {
    it('loses nothing and doubles nothing, in the log, in Elasticsearch and in the archive', async () => {
      await killUnderLoad({ ledgerRows: 1_000_000, writers: 12, rate: 6_000, kills: { snapshot: 15, random: 20 } })
    }, 5_000_000)
  },
)
