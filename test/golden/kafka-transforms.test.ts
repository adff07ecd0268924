import { describe, expect, it } from 'vitest'

import { describeConfig } from '../../src/config/definition/describe-config.ts'
import { caseGroups, laterGroups } from '../oracle/cases/all-cases.ts'
import { stagesOf } from '../oracle/check-case.ts'
import { checkRecordings } from '../oracle/check-recordings.ts'
import { kafkaStages, readConfigKeys } from '../oracle/config-keys.ts'
import { deviations } from '../oracle/deviations.ts'

const plugins = await stagesOf(kafkaStages)

checkRecordings('Kafka Connect', new Map([...caseGroups, ...laterGroups]), { plugins, deviations })

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
