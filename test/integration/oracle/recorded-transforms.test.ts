import { expect, it } from 'vitest'

import { caseGroups, laterGroups, type CaseGroups } from '../../oracle/cases/all-cases.ts'
import { kafkaStages, readConfigKeys, writeConfigKeys, type ConfigKeys } from '../../oracle/config-keys.ts'
import type { ResultJson } from '../../oracle/oracle-json.ts'
import { readRecordings, recordingOf, writeRecordings } from '../../oracle/recordings.ts'
import { runOracle } from '../../oracle/run-oracle.ts'
import { describeWith } from '../../support/services.ts'

async function compareWithRecordings(version: '3.9.1' | '4.4.0', groups: CaseGroups): Promise<void> {
  const results = (await runOracle(version, [...groups.values()].flat())) as ResultJson[]
  for (const [group, cases] of groups) {
    const recordings = cases.map((one) => recordingOf(one, results.shift() ?? { dropped: true }))
    if (process.env['UPDATE_ORACLE'] === '1') writeRecordings(group, recordings)
    expect(readRecordings(group), group).toEqual(recordings)
  }
}

// The jars of Kafka come with the service. UPDATE_ORACLE=1 writes the recordings before it compares them.
describeWith(['kafka'], 'the transforms of Kafka Connect', () => {
  it('of 3.9.1 still do what is recorded of them', async () => await compareWithRecordings('3.9.1', caseGroups))

  it('of 4.4 still do what is recorded of them', async () => await compareWithRecordings('4.4.0', laterGroups))

  it('of 3.9.1 still have the settings that are recorded of them', async () => {
    const classes = kafkaStages.map(({ className }) => className)
    const results = (await runOracle(
      '3.9.1',
      classes.map((name) => ({ class: name })),
    )) as Pick<ConfigKeys, 'keys'>[]
    const recordings = classes.map((name, i) => ({ class: name, keys: results[i]?.keys ?? [] }))
    if (process.env['UPDATE_ORACLE'] === '1') writeConfigKeys(recordings)
    expect(readConfigKeys()).toEqual(recordings)
  })
})
