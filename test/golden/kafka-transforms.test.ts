import { ConfigError, DataError, type PredicatePlugin, type TransformPlugin } from 'penstock/api'
import { describe, expect, it } from 'vitest'

import { describeConfig } from '../../src/config/definition/describe-config.ts'
import { parseConfig } from '../../src/config/definition/parse-config.ts'
import { caseGroups, laterGroups } from '../oracle/cases/all-cases.ts'
import { kafkaStages, readConfigKeys } from '../oracle/config-keys.ts'
import { deviations } from '../oracle/deviations.ts'
import { changedRecord, comparable, recordFrom, type CaseJson, type ResultJson } from '../oracle/oracle-json.ts'
import { digestOf, readRecordings } from '../oracle/recordings.ts'

type Plugin = TransformPlugin | PredicatePlugin

const plugins = new Map<string, Plugin>()
for (const { className, module, exportName } of kafkaStages) {
  plugins.set(className, ((await import(module)) as Record<string, Plugin>)[exportName] as Plugin)
}

/** The name of the field that a message of Kafka's names; null if it names none. */
function fieldNamedBy(message: string | null): string | null {
  const found = /field: "([^"]+)"|^Unknown field: (.+)|^Field does not exist: (.+)|\(for field (.+)\)|duplication (.+)/.exec(message ?? '')
  return found?.slice(1).find((name) => name !== undefined) ?? null
}

/** What a message here calls the class of a value that Kafka's message names; null if it names none. */
function kindNamedBy(message: string | null): RegExp | null {
  const found = /found: (\S+)$/.exec(message ?? '')?.[1]
  return kinds.find(([name]) => found?.endsWith(name) === true)?.[1] ?? null
}

const kinds: readonly (readonly [name: string, kind: RegExp])[] = [
  ['null', /found null$/],
  ['String', /found (?:STRING|a string without a schema)$/],
  ['Long', /found (?:INT64|a number without a schema)/],
  ['Double', /found (?:FLOAT64|a number without a schema)/],
  ['Boolean', /found (?:BOOLEAN|a boolean without a schema)$/],
  ['ArrayList', /found (?:ARRAY|an array without a schema)$/],
  ['HashMap', /found (?:MAP|a map without a schema)$/],
]

function check(one: CaseJson, expected: ResultJson): void {
  const plugin = plugins.get(one.class)
  if (plugin === undefined) throw new TypeError(`no plugin ${one.class}`)
  const create = () => plugin.create(parseConfig(plugin.configDef, one.config), one.config)
  if ('configError' in expected) {
    expect(create).toThrow(ConfigError)
    return
  }
  const record = recordFrom(one.record)
  const made = create()
  if ('test' in made) {
    expect({ test: made.test(record) }).toEqual(expected)
    return
  }
  const before = comparable(record)
  if ('error' in expected) {
    expect(() => made.apply(record)).toThrow(DataError)
    const kind = kindNamedBy(expected.error.message)
    if (kind !== null) expect(() => made.apply(record)).toThrow(kind)
    const field = fieldNamedBy(expected.error.message)
    // Where several fields are wrong, another one may be found first.
    if (field !== null) expect(() => made.apply(record)).toThrow(/"[^"]+"/)
    return
  }
  const after = made.apply(record)
  if ('dropped' in expected) expect(after).toBeNull()
  else expect(after === null ? null : comparable(after)).toEqual(comparable(recordFrom(changedRecord(one.record, expected))))
  expect(comparable(record), 'the record itself has changed').toEqual(before)
}

describe.each([...caseGroups, ...laterGroups])('Kafka Connect, recorded: %s', (group, cases) => {
  const recordings = readRecordings(group)

  it('has a recording of each case', () => {
    expect(recordings.map(({ name, digest }) => [name, digest])).toEqual(cases.map((one) => [one.name, digestOf(one)]))
  })

  for (const [i, one] of cases.entries()) {
    it(one.name, () => {
      const recorded = recordings[i]?.result
      if (recorded === undefined) throw new RangeError('not recorded')
      check(one, deviations[one.name]?.result ?? recorded)
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
