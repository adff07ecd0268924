import { describe, expect, it } from 'vitest'

import type { ConfigDef } from '../../../../src/api/config-def.ts'
import type { ConfigKeyInfo } from '../../../../src/config/definition/config-infos.ts'

import { describeConfig, groupsOf } from '../../../../src/config/definition/describe-config.ts'
import { sinkConfigDef } from '../../../../src/config/connector/sink-config-def.ts'
import { sourceConfigDef } from '../../../../src/config/connector/source-config-def.ts'
import { recordedExchange } from '../../../support/rest/rest-recording.ts'

/** A key as REST writes it. */
function onTheWire(key: ConfigKeyInfo): unknown {
  const { name, type, required, importance, group, width, dependents, order } = key
  const documentation = key.documentation
  const more = { default_value: key.defaultValue, display_name: key.displayName }
  return { name, type, required, importance, documentation, group, width, dependents, order, ...more }
}

describe('the keys every connector has', () => {
  it("are those of Kafka Connect 3.9.1's source connectors, word for word", () => {
    const path = '/connector-plugins/org.apache.kafka.connect.file.FileStreamSourceConnector/config'
    const recorded = (JSON.parse(recordedExchange('GET', path).body) as { name: string }[]).slice(3)
    expect(describeConfig(sourceConfigDef).map(onTheWire)).toEqual(recorded)
  })

  it('are those of its sink connectors, word for word', () => {
    const { body } = recordedExchange('PUT', '/connector-plugins/FileStreamSink/config/validate')
    const { configs } = JSON.parse(body) as { configs: { definition: { name: string } }[] }
    const recorded = configs.map((config) => config.definition).slice(0, 20)
    expect(describeConfig(sinkConfigDef).map(onTheWire)).toEqual(recorded)
  })
})

describe('a table', () => {
  const def: ConfigDef = {
    a: { type: 'STRING', importance: 'LOW', doc: '' },
    b: { type: 'INT', defaultValue: 1, importance: 'LOW', doc: '', group: 'G' },
    c: { type: 'INT', defaultValue: null, importance: 'LOW', doc: '', group: 'G', displayName: 'C' },
    d: { type: 'PASSWORD', defaultValue: 'x', importance: 'LOW', doc: '', unsupported: 'no' },
    e: { type: 'PASSWORD', defaultValue: 'x', importance: 'LOW', doc: '', group: 'H' },
  }

  it('numbers the keys of a group from 1 and shows no key that is not served', () => {
    expect(describeConfig(def).map(({ name, order, group }) => [name, order, group])).toEqual([
      ['a', -1, null],
      ['b', 1, 'G'],
      ['c', 2, 'G'],
      ['e', 1, 'H'],
    ])
    expect(groupsOf(def)).toEqual(['G', 'H'])
  })

  it('hides the default of a password (I8)', () => {
    expect(describeConfig(def).at(-1)?.defaultValue).toBe('[hidden]')
  })
})
