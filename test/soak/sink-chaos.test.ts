import { expect, it } from 'vitest'
import { describeWith, service } from '../support/services.ts'
import { runSinkChaos } from '../support/elasticsearch/sink-chaos.ts'
import { chosenSeed, soakMs } from '../support/soak-run.ts'

describeWith(['elasticsearch', 'minio'], 'two sinks amid faults', () => {
  it('bring every record, into the archive once', async () => {
    const seed = chosenSeed()
    const { elasticsearch, store } = { elasticsearch: service('elasticsearch'), store: service('minio') }
    const { records, archived, ...report } = await runSinkChaos({ elasticsearch, store, seed, ms: soakMs })
    expect(report, `seed ${seed}`).toMatchObject({ wrong: [], failures: [], archivedDistinct: records })
    expect(archived, `seed ${seed}`).toBe(records)
  })
})
