import { readFileSync } from 'node:fs'

import { DataError, type Converter } from 'penstock/api'
import { describe, expect, it } from 'vitest'

import { plugin } from '../../plugins/converters/json-converter.ts'
import { givenConfig } from '../../src/testing/connector/given-config.ts'
import { contentCases, type ContentCase, type ContentResult } from '../oracle/converters/content-cases.ts'

/** Recorded from Kafka Connect 4.4.0 by test/integration/oracle. */
const recorded = readFileSync(new URL('../oracle/converters/json-content-4.4.0.jsonl', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as { given: ContentCase; result: ContentResult })

/** Of these Java makes 0 or null: the value is lost. */
const lostByJava: ReadonlySet<string | null> = new Set([
  '{"id":"1","price":1,"at":0}',
  '5',
  '{"schema":null,"payload":null}',
])

function converterOf(config: ContentCase['config']): Converter {
  const given = givenConfig(plugin.configDef, config)
  return plugin.create(given.config, given.raw, false)
}

function resultOf({ config, message }: ContentCase): ContentResult {
  const def = plugin.configDef['schema.content']
  const problem = def?.validator?.('schema.content', config['schema.content'] ?? null) ?? null
  if (problem !== null) return { configError: problem }
  const converter = converterOf(config)
  try {
    const { schema, value } = converter.toConnect('topic', message === null ? null : Buffer.from(message))
    const written = converter.fromConnect('topic', schema, value)?.toString() ?? null
    const plain = converterOf({ 'decimal.format': 'NUMERIC' }).fromConnect('topic', schema, value)
    return { read: plain?.toString() ?? null, written }
  } catch (error) {
    if (error instanceof DataError) return { error: error.message }
    throw error
  }
}

/** Values without a schema keep the order of their members; Java's maps do not. */
const comparable = (text: string | null): unknown => (text?.includes('"schema":null') === true ? JSON.parse(text) : text)

describe('schema.content of JsonConverter, beside that of Kafka Connect', () => {
  it('is recorded with all cases', () => {
    expect(recorded.map(({ given }) => given)).toEqual(contentCases)
  })

  it.each(recorded.map(({ given, result }) => [JSON.stringify(given), given, result] as const))('%s', (_name, given, result) => {
    const ours = resultOf(given)
    const isLost = lostByJava.has(given.message)
    if ('configError' in result) expect(ours).toHaveProperty('configError')
    else if ('error' in result || isLost) expect(ours).toHaveProperty('error')
    else {
      if (!('read' in ours)) throw new TypeError(JSON.stringify(ours))
      expect(comparable(ours.read)).toEqual(comparable(result.read))
      if (given.config['schemas.enable'] !== 'false') expect(ours.written).toBe(result.written)
    }
  })
})
