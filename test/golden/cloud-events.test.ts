import { readFileSync } from 'node:fs'

import { ConfigError, DataError, schemaToJson, type ConnectValue, type Converter, type Schema } from 'penstock/api'
import { describe, expect, it } from 'vitest'

import { CloudEventsConverter, plugin } from '../../plugins/converters/cloud-events/cloud-events-converter.ts'
import { plugin as json } from '../../plugins/converters/json-converter.ts'
import { parseConfig } from '../../src/config/definition/parse-config.ts'
import { cloudEventsCases, type CloudEventsCase, type CloudEventsResult } from '../oracle/converters/cloud-events-cases.ts'
import { jsonWithSchemas, StandIn } from '../support/testing/avro-stand-in.ts'

interface Recorded {
  readonly given: CloudEventsCase
  readonly result: CloudEventsResult
}

/** Recorded from Debezium 3.2.3 by test/integration/oracle. */
const recorded = readFileSync(new URL('../oracle/converters/cloud-events-3.2.3.jsonl', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as Recorded)

function converterOf(config: CloudEventsCase['config']): Converter {
  return new CloudEventsConverter(parseConfig(plugin.configDef, config), new StandIn())
}

function resultOf(given: CloudEventsCase): CloudEventsResult {
  let converter: Converter
  try {
    converter = converterOf(given.config)
  } catch (error) {
    if (error instanceof ConfigError) return { configError: error.message }
    throw error
  }
  try {
    if ('message' in given) {
      const { schema, value } = converter.toConnect('topic', Buffer.from(given.message, 'latin1'))
      const options = { decimalFormat: 'NUMERIC', replaceNullWithDefault: true } as const
      return { schema: schema === null ? null : schemaToJson(schema, options), read: plain(schema, value) }
    }
    const headers = Object.entries(given.headers).map(([key, text]) => ({ key, value: Buffer.from(text) }))
    const bytes = given.record === null ? null : Buffer.from(given.record)
    const record = jsonWithSchemas('NUMERIC').toConnect('t', bytes)
    const written = converter.fromConnect('topic', record.schema, record.value, headers)
    return { written: written?.toString('latin1') ?? null }
  } catch (error) {
    if (error instanceof DataError) return { error: error.message }
    throw error
  }
}

/** In the form of the recording. */
function plain(schema: Schema | null, value: ConnectValue): unknown {
  if (value === null) return null
  if (typeof value === 'bigint') return String(value)
  if (Array.isArray(value)) {
    const items = value as readonly ConnectValue[]
    if (schema?.type !== 'STRUCT') return items.map((item) => plain(schema?.valueSchema ?? null, item))
    return Object.fromEntries(schema.fields.map((field) => [field.name, plain(field.schema, items[field.index] ?? null)]))
  }
  if (typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(null, item)]))
}

/** Members without a schema have no order in Java. */
function sorted(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) =>
    typeof item === 'object' && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  )
}

const isAvroInJson = ({ config }: CloudEventsCase): boolean =>
  config['data.serializer.type'] === 'avro' && config['serializer.type'] !== 'avro'

interface Deviation {
  readonly why: string
  readonly of: (recorded: Recorded) => boolean
  readonly ours: RegExp
}

const failsWith = ({ result }: Recorded, text: string): boolean => 'error' in result && result.error.includes(text)

const deviations: readonly Deviation[] = [
  {
    why: 'Java loses data in Avro within events in JSON: it reads null',
    of: ({ given, result }) => isAvroInJson(given) && 'read' in result,
    ours: /"data":\{"before":.*"after":/,
  },
  {
    why: 'Java fails on small integers of a source, which it means to write as int32',
    of: (each) => failsWith(each, 'schema with type INT32: class java.lang.Byte'),
    ours: /^\{"written":"/,
  },
  {
    why: 'Java fails on a schema without a name, which is that of no change event',
    of: (each) => failsWith(each, '"schemaName" is null'),
    ours: /^\{"written":null\}$/,
  },
  {
    why: 'Java reads a text as the number 0, and ignores more members of an envelope',
    of: ({ given }) => 'message' in given && given.message.includes('"more":1'),
    ours: /^\{"error":/,
  },
]

describe('the converter of CloudEvents, beside that of Debezium', () => {
  it('is recorded with all cases', () => {
    expect(recorded.slice(0, cloudEventsCases.length).map(({ given }) => given)).toEqual(cloudEventsCases)
    for (const { of, why } of deviations) expect(recorded.some(of), why).toBe(true)
  })

  it('writes the same bytes, reads the same values, and refuses the same', () => {
    for (const each of recorded) {
      const { given, result } = each
      const ours = resultOf(given)
      const deviation = deviations.find(({ of }) => of(each))
      const what = JSON.stringify(given)
      if (deviation !== undefined) expect(JSON.stringify(ours), what).toMatch(deviation.ours)
      else if ('error' in result) expect(ours, what).toHaveProperty('error')
      else if ('configError' in result) expect(ours, what).toHaveProperty('configError')
      else if ('written' in result) expect(ours, what).toEqual(result)
      else expect(sorted(ours), what).toBe(sorted(result))
    }
  })
})

it('JsonConverter has all options that are passed to it', () => {
  const passed = Object.keys(plugin.configDef).filter((key) => key.startsWith('json.'))
  const own = Object.keys(json.configDef).filter((key) => key !== 'schema.content')
  expect(passed).toEqual(own.map((key) => `json.${key}`))
})
