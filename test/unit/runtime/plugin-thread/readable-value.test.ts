import { expect, it } from 'vitest'

import { plainJson } from '../../../../src/api/json/json-text.ts'
import { arrayOf, Logical, mapOf, primitive, struct } from '../../../../src/api/schema.ts'
import { readableValue } from '../../../../src/runtime/plugin-thread/records/readable-value.ts'

it('a value with a schema reads as what it means, and loses nothing', () => {
  const schema = struct([
    ['id', primitive('INT64')],
    ['price', primitive('BYTES', { name: Logical.decimal })],
    ['day', primitive('INT32', { name: Logical.date })],
    ['at', primitive('INT64', { name: Logical.timestamp })],
    ['hour', primitive('INT32', { name: Logical.time })],
    ['far', primitive('INT64', { name: Logical.timestamp })],
    ['micros', primitive('INT64', { name: 'io.debezium.time.MicroTimestamp' })],
    ['bytes', primitive('BYTES')],
    ['__proto__', primitive('STRING', { optional: true })],
    ['pairs', mapOf(primitive('STRING'), arrayOf(struct([['n', primitive('INT8')]])))],
  ])
  const pairs = new Map([['a', [[1], [2]]]])
  const value = [2n ** 60n, '12.50', 20_000, 1_767_623_787_120, 3_600_001, 9e15, 5, Buffer.from('hi'), null, pairs]
  expect(plainJson(readableValue(schema, value))).toBe(
    '{"id":1152921504606846976,"price":"12.50","day":"2024-10-04","at":"2026-01-05T14:36:27.120Z","hour":"01:00:00.001",' +
      '"far":9000000000000000,"micros":5,"bytes":"aGk=","__proto__":null,"pairs":{"a":[{"n":1},{"n":2}]}}',
  )
})
