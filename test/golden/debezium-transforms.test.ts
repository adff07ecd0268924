import { present } from 'penstock/api'
import { describe, expect, it } from 'vitest'

import { describeConfig } from '../../src/config/definition/describe-config.ts'
import { stagesOf } from '../oracle/check-case.ts'
import { checkRecordings } from '../oracle/check-recordings.ts'
import { readConfigKeys } from '../oracle/config-keys.ts'
import { debeziumGroups, debeziumStages } from '../oracle/debezium/all-cases.ts'
import { debeziumDeviations } from '../oracle/debezium/deviations.ts'
import { timescale } from '../oracle/debezium/timescaledb.ts'
import { withChunks } from '../support/postgres/timescale-chunks.ts'

const plugins = new Map(await stagesOf(debeziumStages))
const onChunks = new Map(plugins).set(timescale, withChunks(present(plugins.get(timescale), timescale)))

checkRecordings('Debezium 3.2.3', debeziumGroups, { plugins: onChunks, deviations: debeziumDeviations })

it('each deviation from Debezium is of a case', () => {
  const names = new Set([...debeziumGroups.values()].flat().map(({ name }) => name))
  expect(Object.keys(debeziumDeviations).filter((name) => !names.has(name))).toEqual([])
})

/** Settings that Debezium has had, or has without telling, as it has `database.*` of TimescaleDb; and those of its tracing. */
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
      .filter(({ name }) => !otherKeys.has(name) && !name.startsWith('database.'))
      .map((info) => Object.assign({}, info, { required: false }))
      .map((info) => Object.fromEntries(Object.entries(info).filter(([member]) => member !== 'documentation')))
    expect(ours).toEqual(recorded.keys.filter(({ group }) => group !== 'Tracing'))
  })

  it('are recorded for each transform', () => {
    expect(readConfigKeys('debezium').map((recorded) => recorded.class)).toEqual([...plugins.keys()])
  })
})
