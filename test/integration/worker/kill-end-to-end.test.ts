import { it } from 'vitest'
import { killUnderLoad } from '../../support/worker/kill-under-load.ts'
import { describeWith } from '../../support/services.ts'

describeWith(['postgres', 'elasticsearch', 'minio', 'kcat'], 'a worker killed twenty times under load', () => {
  it('loses nothing and doubles nothing, in the log, in Elasticsearch and in the archive (I9)', async () => {
    await killUnderLoad({
      ledgerRows: Number(process.env['KILL_LEDGER_ROWS'] ?? 120_000),
      writers: 4,
      rate: 2_000,
      kills: { snapshot: 5, random: 10 },
    })
  }, 1_800_000)
})
