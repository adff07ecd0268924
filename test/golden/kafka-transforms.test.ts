import { present } from 'penstock/api'
import { describe, expect, it } from 'vitest'

import { describeConfig } from '../../src/config/definition/describe-config.ts'
import { caseGroups, laterGroups } from '../oracle/cases/all-cases.ts'
import { checkCase, stagesOf } from '../oracle/check-case.ts'
import { kafkaStages, readConfigKeys } from '../oracle/config-keys.ts'
import { deviations } from '../oracle/deviations.ts'
import { digestOf, readRecordings } from '../oracle/recordings.ts'

const plugins = await stagesOf(kafkaStages)

describe.each([...caseGroups, ...laterGroups])('Kafka Connect, recorded: %s', (group, cases) => {
  const recordings = readRecordings(group)

  it('has a recording of each case', () => {
    expect(recordings.map(({ name, digest }) => [name, digest])).toEqual(cases.map((one) => [one.name, digestOf(one)]))
  })

  for (const [i, one] of cases.entries()) {
    it(one.name, () => {
      const recorded = recordings[i]?.result
      if (recorded === undefined) throw new RangeError('not recorded')
      checkCase(present(plugins.get(one.class), one.class), one, deviations[one.name]?.result ?? recorded)
    })
  }
})

/** Settings that later versions have. */
const laterKeys: Readonly<Record<string, string>> = {
  'org.apache.kafka.connect.transforms.ValueToKey': 'field.syntax.version',
}

describe('the settings of Kafka Connect 3.9.1, recorded', () => {
  it.each(readConfigKeys())('$class', (recorded) => {
    const def = plugins.get(recorded.class)?.configDef ?? {}
    const later = laterKeys[recorded.class]
    const known = describeConfig(def).filter(({ name }) => name !== later)
    const ours = known.map((info) => {
      const describe = def[info.name]?.validator?.describe
      return Object.assign({}, info, describe === undefined ? {} : { validator: describe })
    })
    expect(ours).toEqual(recorded.keys)
  })

  it('are recorded for each transform and predicate', () => {
    expect(readConfigKeys().map((recorded) => recorded.class)).toEqual([...plugins.keys()])
  })
})
