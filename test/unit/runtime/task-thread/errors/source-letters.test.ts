import { describe, expect, it } from 'vitest'

import { Meters } from '../../../../../src/foundation/metrics/meters.ts'
import { noHeaders, type SourceRecord } from '../../../../../src/api/record.ts'
import { Logical, primitive, struct } from '../../../../../src/api/schema.ts'
import { SourceLetters } from '../../../../../src/runtime/task-thread/errors/dead-letters/source-letters.ts'

const failure = { stage: 'VALUE_CONVERTER', executingClass: 'C', error: new Error('x') } as const

const record: SourceRecord = {
  topic: 't',
  partition: null,
  keySchema: null,
  key: null,
  valueSchema: null,
  value: null,
  timestamp: null,
  headers: noHeaders,
  sourcePartition: { server: 'a' },
  sourceOffset: { lsn: 9007199254740993n },
}

function letterOf(parts: Partial<SourceRecord>) {
  const context = { task: { connector: 'c', task: 0 }, redact: (text: string) => text }
  const letters = new SourceLetters({ topic: 'dlq', context }, new Meters())
  letters.report({ ...record, ...parts }, failure)
  const letter = letters.take()
  expect(letters.take()).toBeNull()
  return letter
}

const text = (bytes: Uint8Array | null | undefined): string | null =>
  bytes === null || bytes === undefined ? null : Buffer.from(bytes).toString()

describe('the dead letter of a source', () => {
  it('has structs as objects, and every value without loss (I11)', () => {
    const valueSchema = struct([
      ['id', primitive('INT64')],
      ['price', primitive('BYTES', { name: Logical.decimal, parameters: { scale: '2' } })],
      ['raw', primitive('BYTES')],
      ['rate', primitive('FLOAT64')],
      ['__proto__', primitive('STRING', { optional: true })],
      ['gone', primitive('STRING', { optional: true })],
    ])
    const value = [9007199254740993n, '12.50', Buffer.from([1, 2]), Number.NaN, 'p', null]
    const letter = letterOf({ valueSchema, value, keySchema: primitive('INT32'), key: 7 })
    expect(text(letter?.key)).toBe('7')
    expect(text(letter?.value)).toBe(
      '{"id":9007199254740993,"price":"12.50","raw":"AQI=","rate":"NaN","__proto__":"p","gone":null}',
    )
    expect(letter).toMatchObject({ topic: 'dlq', partition: null, timestamp: null })
  })

  it('has a value that does not match its schema', () => {
    expect(text(letterOf({ valueSchema: primitive('INT32'), value: 'seven' })?.value)).toBe('"seven"')
    expect(text(letterOf({ valueSchema: struct([['a', primitive('INT32')]]), value: { b: 1 } })?.value)).toBe('{"b":1}')
  })

  it('has no bytes for a null, and the exact place and the headers of the record', () => {
    const letter = letterOf({ headers: [{ key: 'version', schema: primitive('INT64'), value: 12n }], timestamp: -1 })
    expect([letter?.key, letter?.value, letter?.timestamp]).toEqual([null, null, null])
    expect(letter?.headers.slice(0, 4).map(({ key, value }) => [key, text(value)])).toEqual([
      ['version', '12'],
      ['__penstock.errors.topic', 't'],
      ['__penstock.errors.source.partition', '{"server":"a"}'],
      ['__penstock.errors.source.offset', '{"lsn":9007199254740993}'],
    ])
  })
})
