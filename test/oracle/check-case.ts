import { ConfigError, DataError, type PredicatePlugin, type TransformPlugin } from 'penstock/api'
import { expect } from 'vitest'

import { parseConfig } from '../../src/config/definition/parse-config.ts'
import type { builtInPlugins } from '../../src/plugin/built-in-plugins.ts'
import { changedRecord, comparable, recordFrom, type CaseJson, type ResultJson } from './oracle-json.ts'

/** A transform or a predicate. */
export type StagePlugin = TransformPlugin | PredicatePlugin

/** Returns the transforms and predicates of these descriptors by class. */
export async function stagesOf(found: typeof builtInPlugins): Promise<ReadonlyMap<string, StagePlugin>> {
  const plugins = new Map<string, StagePlugin>()
  for (const { className, module, exportName } of found) {
    plugins.set(className, ((await import(module)) as Record<string, StagePlugin>)[exportName] as StagePlugin)
  }
  return plugins
}

/** The name of the field that a message of Kafka's names; null if it names none. */
function fieldNamedBy(message: string | null): string | null {
  const found =
    /field: "([^"]+)"|^Unknown field: (.+)|^Field does not exist: (.+)|\(for field (.+)\)|duplication (.+)/.exec(
      message ?? '',
    )
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

/** Asserts that a case ends here as expected: with the same record or the same failure. */
export function checkCase(plugin: StagePlugin, one: CaseJson, expected: ResultJson): void {
  const create = () => plugin.create(parseConfig(plugin.configDef, one.config), one.config)
  if ('configError' in expected) {
    expect(create).toThrow(ConfigError)
    // Debezium's checks are made once; Kafka Connect's differ by where a config is checked.
    const { message } = expected.configError
    const said = one.class.startsWith('io.debezium.') ? / for configuration .*/.exec(message ?? '') : null
    // Why a regular expression is invalid is said in other words.
    if (said !== null) expect(create).toThrow(said[0].replace(/, but .*/, ', but '))
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
  else
    expect(after === null ? null : comparable(after)).toEqual(
      comparable(recordFrom(changedRecord(one.record, expected))),
    )
  expect(comparable(record), 'the record itself has changed').toEqual(before)
}
