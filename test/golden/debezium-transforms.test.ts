import { present } from 'penstock/api'
import { describe, expect, it } from 'vitest'

import { describeConfig } from '../../src/config/definition/describe-config.ts'
import { checkCase, stagesOf } from '../oracle/check-case.ts'
import { readConfigKeys } from '../oracle/config-keys.ts'
import { debeziumGroups, debeziumStages } from '../oracle/debezium/all-cases.ts'
import { debeziumDeviations } from '../oracle/debezium/deviations.ts'
import { digestOf, readRecordings } from '../oracle/recordings.ts'

const plugins = await stagesOf(debeziumStages)

describe.each([...debeziumGroups])('Debezium 3.2.3, recorded: %s', (group, cases) => {
  const recordings = readRecordings(group)

  it('has a recording of each case', () => {
    expect(recordings.map(({ name, digest }) => [name, digest])).toEqual(cases.map((one) => [one.name, digestOf(one)]))
  })

  for (const [i, one] of cases.entries()) {
    it(one.name, () => {
      const recorded = recordings[i]?.result
      if (recorded === undefined) throw new RangeError('not recorded')
      checkCase(present(plugins.get(one.class), one.class), one, debeziumDeviations[one.name]?.result ?? recorded)
    })
  }
})

it('each deviation from Debezium is of a case', () => {
  const names = new Set([...debeziumGroups.values()].flat().map(({ name }) => name))
  expect(Object.keys(debeziumDeviations).filter((name) => !names.has(name))).toEqual([])
})

/** Settings that Debezium has had, or has without telling; and those of its tracing. */
const otherKeys = new Set([
  'drop.tombstones',
  'delete.handling.mode',
  'replace.null.with.default',
  'key.field.name',
  'schema.name.adjustment.mode',
])

describe('the settings of Debezium 3.2.3, recorded', () => {
  it.each(readConfigKeys('debezium'))('$class', (recorded) => {
    const known = describeConfig(plugins.get(recorded.class)?.configDef ?? {})
    // Debezium lets every setting be missing, and fails later for some.
    const ours = known
      .filter(({ name }) => !otherKeys.has(name))
      .map((info) => Object.assign({}, info, { required: false }))
      .map((info) => Object.fromEntries(Object.entries(info).filter(([member]) => member !== 'documentation')))
    expect(ours).toEqual(recorded.keys.filter(({ group }) => group !== 'Tracing'))
  })

  it('are recorded for each transform', () => {
    expect(readConfigKeys('debezium').map((recorded) => recorded.class)).toEqual([...plugins.keys()])
  })
})
