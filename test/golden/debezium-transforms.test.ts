import { describe, expect, it } from 'vitest'

import { describeConfig } from '../../src/config/definition/describe-config.ts'
import { stagesOf } from '../oracle/check-case.ts'
import { checkRecordings } from '../oracle/check-recordings.ts'
import { readConfigKeys } from '../oracle/config-keys.ts'
import { debeziumGroups, debeziumStages } from '../oracle/debezium/all-cases.ts'
import { debeziumDeviations } from '../oracle/debezium/deviations.ts'

const plugins = await stagesOf(debeziumStages)

checkRecordings('Debezium 3.2.3', debeziumGroups, { plugins, deviations: debeziumDeviations })

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
