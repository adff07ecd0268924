import { expect, it } from 'vitest'
import { describeWith, service } from '../../support/services.ts'
import { runSinkChaos } from '../../support/elasticsearch/sink-chaos.ts'
import { chosenSeed } from '../../support/soak-run.ts'

describeWith(['elasticsearch', 'minio'], 'two sinks amid faults', () => {
  it('bring every record, into the archive once', { timeout: 300_000 }, async () => {
    const seed = chosenSeed()
    const { elasticsearch, store } = { elasticsearch: service('elasticsearch'), store: service('minio') }
    const { records, archived, ...report } = await runSinkChaos({ elasticsearch, store, seed, ms: 20_000 })
    expect(report, `seed ${seed}`).toMatchObject({ wrong: [], failures: [], archivedDistinct: records })
    expect(archived, `seed ${seed}`).toBe(records)
  })
})
