import { describe, expect, it } from 'vitest'

import { ConfigError, ConnectError, DataError, RetriableError } from '../../../../../src/api/errors.ts'
import type { FetchedRecord } from '../../../../../src/client/consumer/fetched-record.ts'
import { exceptionName } from '../../../../../src/runtime/task-thread/errors/dead-letters/context-headers.ts'
import { deadLetterOf } from '../../../../../src/runtime/task-thread/errors/dead-letters/error-reporter.ts'

const record: FetchedRecord = {
  topic: 'orders',
  partition: 3,
  offset: 41,
  timestamp: 1_700_000_000_000,
  timestampType: 0,
  key: Buffer.from([0, 255]),
  value: Buffer.from('{'),
  headers: [
    { key: '__connect.errors.topic', value: Buffer.from('an older one') },
    { key: 'empty', value: null },
  ],
}
const failure = {
  stage: 'VALUE_CONVERTER',
  executingClass: 'a.Converter',
  error: new DataError('no JSON, hunter22'),
} as const
const task = { connector: 'orders-sink', task: 7 }

describe('a dead letter', () => {
  it('has the bytes, the time and the headers of the record, by reference', () => {
    const letter = deadLetterOf(record, failure, { topic: 'dlq', context: null }, 'id')
    expect(letter).toEqual({ ...letter, topic: 'dlq', partition: null, timestamp: 1_700_000_000_000 })
    expect(letter.key).toBe(record.key)
    expect(letter.value).toBe(record.value)
    expect(letter.headers).toBe(record.headers)
  })

  it('has no time if the record has none', () => {
    const letter = deadLetterOf({ ...record, timestamp: -1 }, failure, { topic: 'dlq', context: null }, null)
    expect(letter.timestamp).toBeNull()
  })

  it('has the headers of Kafka Connect behind those of the record, in its order and without secrets (I8), and the topic id', () => {
    const redact = (text: string): string => text.replaceAll('hunter22', '${file:x:y}')
    const { headers } = deadLetterOf(record, failure, { topic: 'dlq', context: { task, redact } }, 'the id')
    const texts = headers.map(({ key, value }) => [key, value === null ? null : Buffer.from(value).toString()])
    expect(texts.pop()).toEqual(['__penstock.errors.topic.id', 'the id'])
    expect(texts.slice(0, -1)).toEqual([
      ['__connect.errors.topic', 'an older one'],
      ['empty', null],
      ['__connect.errors.topic', 'orders'],
      ['__connect.errors.partition', '3'],
      ['__connect.errors.offset', '41'],
      ['__connect.errors.connector.name', 'orders-sink'],
      ['__connect.errors.task.id', '7'],
      ['__connect.errors.stage', 'VALUE_CONVERTER'],
      ['__connect.errors.class.name', 'a.Converter'],
      ['__connect.errors.exception.class.name', 'org.apache.kafka.connect.errors.DataException'],
      ['__connect.errors.exception.message', 'no JSON, ${file:x:y}'],
    ])
    const [name, trace] = texts.at(-1) ?? []
    expect(name).toBe('__connect.errors.exception.stacktrace')
    expect(trace).toMatch(/^DataError: no JSON, \$\{file:x:y\}\n +at /)
  })

  it.each([
    [new RetriableError('x'), 'org.apache.kafka.connect.errors.RetriableException'],
    [new ConfigError('x'), 'org.apache.kafka.common.config.ConfigException'],
    [new ConnectError('x'), 'org.apache.kafka.connect.errors.ConnectException'],
    [new TypeError('x'), 'TypeError'],
    ['a text', 'string'],
  ])('names the class of %s', (error, name) => expect(exceptionName(error)).toBe(name))
})
