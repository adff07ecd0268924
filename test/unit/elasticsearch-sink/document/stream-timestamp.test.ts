import { expect, it } from 'vitest'

import { withTimestamp } from '../../../../connectors/elasticsearch-sink/document/stream-timestamp.ts'

it.each<[string, number | null, readonly string[], string]>([
  ['{}', 5, [], '{"@timestamp":5}'],
  ['{"a":1}', 5, [], '{"@timestamp":5,"a":1}'],
  ['{"@timestamp":1,"a":90071992547409931}', 5, [], '{"@timestamp":5,"a":90071992547409931}'],
  ['{"a":{"@timestamp":1}}', 5, [], '{"a":{"@timestamp":1},"@timestamp":5}'],
  ['{"a":1}', null, [], '{"a":1}'],
  ['{"a":9007199254740993}', 5, ['b', 'a'], '{"a":9007199254740993,"@timestamp":"9007199254740993"}'],
  ['{"a":"x","b":true}', 5, ['b', 'a'], '{"a":"x","b":true,"@timestamp":"true"}'],
  ['{"a":{"b":1}}', 5, ['b'], '{"a":{"b":1}}'],
])('%s at %s with fields %j becomes %s', (json, timestamp, fields, expected) => {
  expect(withTimestamp(json, timestamp, fields)).toBe(expected)
})
