import { readFileSync } from 'node:fs'

import { primitive, struct, withOptions, type ConnectValue, type Schema, type SourceRecord } from 'penstock/api'
import { describe, expect, it } from 'vitest'

import { plugin as jsonConverter } from '../../plugins/converters/json-converter.ts'
import { plugin as unwrap } from '../../plugins/transforms/debezium/extract-new-record-state.ts'
import { parseConfig } from '../../src/config/definition/parse-config.ts'

interface Recorded {
  readonly topic: string
  readonly key: string
  readonly value: string | null
}

const recorded = (name: string): Recorded[] =>
  readFileSync(new URL(`smt/${name}.jsonl`, import.meta.url), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Recorded)

const converter = (schemas: boolean) =>
  jsonConverter.create(parseConfig(jsonConverter.configDef, { 'schemas.enable': String(schemas) }), {}, false)

/** The event that Debezium flattened: its row is what was recorded. */
function eventOf(topic: string, row: Schema, value: ConnectValue, before: ConnectValue): SourceRecord {
  const part = withOptions(row, { optional: true })
  const source = struct([['lsn', primitive('INT64')]])
  const envelope = struct(
    [
      ['before', part],
      ['after', part],
      ['source', source],
      ['op', primitive('STRING')],
    ],
    { name: `${topic}.Envelope`, version: 2 },
  )
  return {
    topic,
    partition: null,
    keySchema: null,
    key: null,
    valueSchema: envelope,
    value: [before, value, [1], value === null ? 'd' : 'u'],
    timestamp: null,
    headers: [],
    sourcePartition: {},
    sourceOffset: {},
  }
}

describe('ExtractNewRecordState as recorded from Debezium 3.2.3', () => {
  it.each([
    ['unwrap-schemas', true],
    ['unwrap', false],
  ])('%s: the same bytes come out', (name, schemas) => {
    const transform = unwrap.create(parseConfig(unwrap.configDef, {}), {})
    const schemaReader = converter(true)
    const plainTexts = recorded(name)
    const rows = recorded('unwrap-schemas').map((record) =>
      schemaReader.toConnect(record.topic, Buffer.from(record.value ?? '')),
    )
    expect(rows.some((row) => row.value === null)).toBe(true)
    for (const [i, { schema, value }] of rows.entries()) {
      const { topic, value: text } = plainTexts[i] ?? { topic: '', value: null }
      if (schema === null) throw new TypeError('recorded without a schema')
      const out = transform.apply(eventOf(topic, schema, value, value === null ? schema.fields.map(() => null) : null))
      const named = withOptions(out?.valueSchema ?? schema, { name: schema.name ?? '' })
      expect(
        converter(schemas)
          .fromConnect(topic, named, out?.value ?? null)
          ?.toString(),
      ).toBe(text)
    }
  })
})
