import { expect, it } from 'vitest'

import { caseGroups, laterGroups, type CaseGroups } from '../../oracle/cases/all-cases.ts'
import { kafkaStages, readConfigKeys, writeConfigKeys, type ConfigKeys, type Owner } from '../../oracle/config-keys.ts'
import { debeziumGroups, debeziumStages } from '../../oracle/debezium/all-cases.ts'
import type { ResultJson } from '../../oracle/oracle-json.ts'
import { readRecordings, recordingOf, writeRecordings } from '../../oracle/recordings.ts'
import { runOracle, type Version } from '../../oracle/run-oracle.ts'
import { describeWith } from '../../support/services.ts'

async function compareWithRecordings(version: Version, groups: CaseGroups): Promise<void> {
  const results = (await runOracle(version, [...groups.values()].flat())) as ResultJson[]
  for (const [group, cases] of groups) {
    const recordings = cases.map((one) => recordingOf(one, results.shift() ?? { dropped: true }))
    if (process.env['UPDATE_ORACLE'] === '1') writeRecordings(group, recordings)
    expect(readRecordings(group), group).toEqual(recordings)
  }
}

async function compareSettings(version: Version, owner: Owner, classes: readonly string[]): Promise<void> {
  const results = (await runOracle(
    version,
    classes.map((name) => ({ class: name })),
  )) as Pick<ConfigKeys, 'keys'>[]
  const recordings = classes.map((name, i) => ({ class: name, keys: results[i]?.keys ?? [] }))
  const kept = owner === 'kafka' ? recordings : recordings.map(withoutDocumentation)
  if (process.env['UPDATE_ORACLE'] === '1') writeConfigKeys(kept, owner)
  expect(readConfigKeys(owner)).toEqual(kept)
}

const withoutDocumentation = (recorded: ConfigKeys): ConfigKeys => ({
  class: recorded.class,
  keys: recorded.keys.map((key) =>
    Object.fromEntries(Object.entries(key).filter(([name]) => name !== 'documentation')),
  ),
})

const classesOf = (stages: typeof kafkaStages): string[] => stages.map(({ className }) => className)

// The jars of Kafka come with the service. UPDATE_ORACLE=1 writes the recordings before it compares them.
describeWith(['kafka'], 'the transforms of Kafka Connect', () => {
  it('of 3.9.1 still do what is recorded of them', async () => await compareWithRecordings('3.9.1', caseGroups))

  it('of 4.4 still do what is recorded of them', async () => await compareWithRecordings('4.4.0', laterGroups))

  it('of Debezium still do what is recorded of them', async () =>
    await compareWithRecordings('debezium', debeziumGroups))

  it('of 3.9.1 still have the settings that are recorded of them', async () =>
    await compareSettings('3.9.1', 'kafka', classesOf(kafkaStages)))

  it('of Debezium still have the settings that are recorded of them', async () =>
    await compareSettings('debezium', 'debezium', classesOf(debeziumStages)))
})
