import { DataError, primitive, struct, type SinkRecord } from 'penstock/api'
import { expect, it } from 'vitest'

import { parseTemplate } from '../../../../connectors/elasticsearch-sink/document/record-template.ts'
import { MemoryLog } from '../../../support/task/sink-task-harness.ts'

const keySchema = struct([
  ['id', primitive('INT64')],
  ['tenant', primitive('STRING', { optional: true })],
])

function record(more: Partial<SinkRecord> = {}): SinkRecord {
  const headers = [{ key: 'region', schema: null, value: 'eu' }]
  const one = new MemoryLog().append({
    topic: 'orders',
    partition: 3,
    keySchema,
    key: [9_007_199_254_740_993n, 't'],
    headers,
  })
  return { ...one, originalOffset: 12, timestamp: Date.UTC(2024, 1, 9, 7), ...more }
}

it.each([
  ['{topic}-{partition}-{offset}', 'orders-3-12'],
  ['{key}', '[9007199254740993,"t"]'],
  ['{key.id}/{key.tenant}', '9007199254740993/t'],
  ['{value.a.b}-{value.n}', 'x-9007199254740993'],
  ['{value.a}', '{"b":"x"}'],
  ['{header.region}', 'eu'],
  ['d-{timestamp:yyyy.MM.dd}', 'd-2024.02.09'],
  ['{timestamp:yyyyMMdd-HH}', '20240209-07'],
  ['plain', 'plain'],
])('%s becomes %s', (text, expected) => {
  expect(parseTemplate(text).render(record(), '{"a":{"b":"x"},"n":9007199254740993}')).toBe(expected)
})

it('a key without schema has fields, too', () => {
  expect(parseTemplate('{key.a}').render(record({ keySchema: null, key: { a: 1 } }), null)).toBe('1')
})

it.each([
  ['{key.other}', {}],
  ['{key.tenant}', { key: [1, null] }],
  ['{key.id}', { keySchema: null, key: 'text' }],
  ['{value.other}', {}],
  ['{header.other}', {}],
  ['{timestamp:yyyy}', { timestamp: null }],
])('%s names what the record lacks', (text, more) => {
  const render = (): string => parseTemplate(text).render(record(more), '{}')
  expect(render).toThrow(DataError)
  expect(render).toThrow(text.replace(/[:}].*/, ''))
})

it.each([
  '{',
  '}',
  'a{b',
  '{}',
  '{Topic}',
  '{topic.a}',
  '{value}',
  '{value.}',
  '{header}',
  '{timestamp}',
  '{timestamp:}',
  '{timestamp:ww}',
])('refuses %s', (text) => {
  expect(() => parseTemplate(text)).toThrow(/brace|placeholder|pattern/)
})
