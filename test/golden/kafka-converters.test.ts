import { readFileSync } from 'node:fs'

import { DataError, javaText, Logical, primitive, type ConnectValue, type ConverterPlugin } from 'penstock/api'
import { describe, expect, it } from 'vitest'

import * as primitives from '../../plugins/converters/primitive-converters.ts'
import { converterCases, type ConverterCase, type ConverterResult, type Written } from '../oracle/converters/converter-cases.ts'

const plugins = new Map(
  Object.values<{ className: string; kind: string }>(primitives)
    .filter(({ kind }) => kind === 'converter')
    .map((plugin) => [plugin.className, plugin as ConverterPlugin]),
)

/** Recorded from Kafka Connect 3.9.1 by test/integration/oracle. */
const recorded = readFileSync(new URL('../oracle/converters/kafka-3.9.1.jsonl', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as { given: ConverterCase; result: ConverterResult })

function valueOf(type: Written, text: string | null): ConnectValue {
  if (text === null || type === 'STRING') return text
  if (type === 'BOOLEAN') return text === 'true'
  return type === 'INT64' ? BigInt(text) : Number(text)
}

function resultOf(given: ConverterCase): ConverterResult | DataError {
  const converter = plugins.get(given.class)?.create({}, {}, false)
  if (converter === undefined) throw new TypeError(`no plugin ${given.class}`)
  try {
    if ('bytes' in given) {
      const bytes = given.bytes === null ? null : Buffer.from(given.bytes, 'hex')
      const { schema, value } = converter.toConnect('topic', bytes)
      if (schema === null) throw new TypeError('it has no schema')
      return { schema: schema.type, optional: schema.optional, value: value === null ? null : javaText(schema, value) }
    }
    const { type, date, value } = given
    const schema = primitive(type, { optional: true, ...(date === true && { name: Logical.date }) })
    const bytes = converter.fromConnect('topic', schema, valueOf(type, value))
    return { bytes: bytes === null ? null : bytes.toString('hex') }
  } catch (error) {
    if (error instanceof DataError) return error
    throw error
  }
}

describe('the converters of primitive types, beside those of Kafka Connect', () => {
  it('are recorded with all cases', () => {
    expect(recorded.map(({ given }) => given)).toEqual(converterCases)
  })

  it('read and write the same bytes, and refuse the same', () => {
    for (const { given, result } of recorded) {
      const ours = resultOf(given)
      if ('error' in result) expect(ours, JSON.stringify(given)).toBeInstanceOf(DataError)
      else expect(ours, JSON.stringify(given)).toEqual(result)
    }
  })

  it('write a value without a schema if the type holds it exactly', () => {
    const written = (name: string, value: ConnectValue): string | null =>
      plugins
        .get(`org.apache.kafka.connect.converters.${name}Converter`)
        ?.create({}, {}, false)
        .fromConnect('topic', null, value)
        ?.toString('hex') ?? null
    expect(written('Short', 32_767)).toBe('7fff')
    expect(written('Integer', -1n)).toBe('ffffffff')
    expect(written('Long', 2n ** 63n - 1n)).toBe('7fffffffffffffff')
    expect(written('Float', 0.5)).toBe('3f000000')
    expect(written('Double', 5)).toBe('4014000000000000')
    expect(written('Boolean', true)).toBe('01')
    for (const [name, value] of [
      ['Short', 32_768],
      ['Integer', 2 ** 31],
      ['Integer', 0.5],
      ['Long', 2n ** 63n],
      ['Long', '1'],
      ['Float', 0.1],
      ['Double', 1n],
      ['Boolean', 1],
      ['Boolean', {}],
    ] as const)
      expect(() => written(name, value), name).toThrow(/Failed to serialize to \w+: the value is \w+ without a schema/)
  })
})
