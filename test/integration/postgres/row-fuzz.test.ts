import { expect, it } from 'vitest'
import { fuzzRows } from '../../support/postgres/row-fuzz.ts'
import { describeWith, service } from '../../support/services.ts'
import { chosenSeed } from '../../support/soak-run.ts'

describeWith(['postgres', 'elasticsearch'], 'rows that are changed at random', () => {
  it.each(['kill', 'terminate'] as const)(
    'equal their documents in the end (%s)',
    { timeout: 240_000 },
    async (disturb) => {
      const seed = chosenSeed()
      const fuzz = { postgres: service('postgres'), elasticsearch: service('elasticsearch'), seed, disturb }
      const report = await fuzzRows({ ...fuzz, ms: 12_000 })
      expect(report, `seed ${seed}, ${report.operations} operations`).toMatchObject({ wrong: [], traces: [] })
      expect(report.disturbances).toBeGreaterThan(0)
    },
  )
})
