import { expect, it } from 'vitest'

import { caseGroups } from '../../oracle/cases/all-cases.ts'
import { kafkaStages, readConfigKeys, writeConfigKeys, type ConfigKeys } from '../../oracle/config-keys.ts'
import type { ResultJson } from '../../oracle/oracle-json.ts'
import { readRecordings, recordingOf, writeRecordings } from '../../oracle/recordings.ts'
import { runOracle } from '../../oracle/run-oracle.ts'
import { describeWith } from '../../support/services.ts'

describeWith(['kafka'], 'the transforms of Kafka Connect 3.9.1', () => {
  it('still do what is recorded of them', async () => {
    const results = (await runOracle([...caseGroups.values()].flat())) as ResultJson[]
    for (const [group, cases] of caseGroups) {
      const recordings = cases.map((one) => recordingOf(one, results.shift() ?? { dropped: true }))
      if (process.env['UPDATE_ORACLE'] === '1') writeRecordings(group, recordings)
      expect(readRecordings(group), group).toEqual(recordings)
    }
  })

  it('still have the settings that are recorded of them', async () => {
    const classes = kafkaStages.map(({ className }) => className)
    const results = (await runOracle(classes.map((name) => ({ class: name })))) as Pick<ConfigKeys, 'keys'>[]
    const recordings = classes.map((name, i) => ({ class: name, keys: results[i]?.keys ?? [] }))
    if (process.env['UPDATE_ORACLE'] === '1') writeConfigKeys(recordings)
    expect(readConfigKeys()).toEqual(recordings)
  })
})
