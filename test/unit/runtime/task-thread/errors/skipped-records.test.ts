import { describe, expect, it } from 'vitest'

import { SkippedRecords } from '../../../../../src/runtime/task-thread/errors/skipped-records.ts'
import { ManualClock } from '../../../../support/manual-clock.ts'

describe('the condition about skipped records', () => {
  it('shows the first record immediately, and the count and the last record of more at most every 10 s', () => {
    const clock = new ManualClock()
    const shown: (string | null)[] = []
    const skipped = new SkippedRecords({
      clock,
      outcome: 'skipped',
      setCondition: (code, message) => shown.push(`${code}: ${message}`),
    })
    for (let i = 0; i < 300; i += 1) skipped.add(`record ${i}`)
    expect(shown).toHaveLength(1)
    expect(shown[0]).toMatch(
      /^ERRANT_RECORDS: 1 record was skipped since \S+ \(errors\.tolerance=all\)\. The last one: record 0\./,
    )
    clock.advance(10_000)
    expect(shown).toHaveLength(2)
    expect(shown[1]).toMatch(
      /^ERRANT_RECORDS: 300 records were skipped .* The last one: record 299\. .* restart the task$/,
    )
    clock.advance(30_000)
    expect(shown).toHaveLength(2)
    skipped.add('record 300')
    expect(shown).toHaveLength(3)
    skipped.add('record 301')
    skipped.close()
    clock.advance(30_000)
    expect(shown).toHaveLength(3)
  })
})
