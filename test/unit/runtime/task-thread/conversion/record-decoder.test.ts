import { describe, expect, it } from 'vitest'
import { DataError } from '../../../../../src/api/errors.ts'
import type { Converter } from '../../../../../src/api/converter.ts'
import type { FetchedRecord } from '../../../../../src/client/consumer/fetched-record.ts'
import { decodeRecord } from '../../../../../src/runtime/task-thread/conversion/record-decoder.ts'
import type { Converters } from '../../../../../src/runtime/task-thread/conversion/record-encoder.ts'

const text = (bytes: Uint8Array | null): string | null => {
  const value = bytes === null ? null : Buffer.from(bytes).toString()
  if (value === 'bad') throw new RangeError('it is bad')
  return value
}
const converter: Converter = {
  fromConnect: () => null,
  toConnect: (topic, bytes) => ({ schema: null, value: bytes === null ? null : `${topic}:${text(bytes)}` }),
}
const converters: Converters = {
  key: converter,
  value: converter,
  header: {
    fromConnectHeader: () => null,
    toConnectHeader: (topic, key, bytes) => ({ schema: null, value: `${topic}:${key}:${text(bytes)}` }),
  },
}

function fetched(parts: Partial<FetchedRecord> = {}): FetchedRecord {
  const [key, value] = [Buffer.from('k'), Buffer.from('v')]
  return { topic: 't', partition: 3, offset: 7, timestamp: 5, timestampType: 0, key, value, headers: [], ...parts }
}

describe('the decoder of records', () => {
  it('gives a sink the record with its place in the log', () => {
    const headers = [{ key: 'h', value: Buffer.from('x') }]
    expect(decodeRecord(converters, fetched({ headers }))).toEqual({
      topic: 't',
      partition: 3,
      offset: 7,
      keySchema: null,
      key: 't:k',
      valueSchema: null,
      value: 't:v',
      timestamp: 5,
      timestampType: 'CreateTime',
      headers: [{ key: 'h', schema: null, value: 't:h:x' }],
      originalTopic: 't',
      originalPartition: 3,
      originalOffset: 7,
    })
  })

  it('gives the converters of key and value the headers in bytes (KIP-440)', () => {
    const headers = [{ key: 'id', value: Buffer.from('9') }]
    const seen: unknown[] = []
    const seeing: Converter = {
      fromConnect: () => null,
      toConnect: (_topic, _bytes, raw) => ({ schema: null, value: seen.push(raw) }),
    }
    decodeRecord({ ...converters, key: seeing, value: seeing }, fetched({ headers }))
    expect(seen).toEqual([headers, headers])
  })

  it.each([
    ['the time that its producer gave it', 0, 5, 'CreateTime', 5],
    ['the time at which the broker appended it', 1, 5, 'LogAppendTime', 5],
    ['the first millisecond of the epoch', 0, 0, 'CreateTime', 0],
    ['no time', 0, -1, 'NoTimestampType', null],
    ['no time, whatever its topic says', 1, -1, 'NoTimestampType', null],
  ] as const)('tells a sink the kind of timestamp of a record with %s', (_, type, given, timestampType, timestamp) => {
    const record = decodeRecord(converters, fetched({ timestamp: given, timestampType: type }))
    expect(record).toMatchObject({ timestampType, timestamp })
  })

  it.each([
    ['KEY_CONVERTER', 'the key', { key: Buffer.from('bad') }],
    ['VALUE_CONVERTER', 'the value', { value: Buffer.from('bad') }],
    ['HEADER_CONVERTER', 'a header', { headers: [{ key: 'h', value: Buffer.from('bad') }] }],
  ])('names %s as the stage of a failure, with the place of the record', (stage, part, bad) => {
    const message = `${part} of the record t-3@7 does not decode: it is bad`
    const expected = expect.objectContaining({ stage, message, topicPartition: 't-3' })
    expect(() => decodeRecord(converters, fetched(bad))).toThrow(expected)
    expect(() => decodeRecord(converters, fetched(bad))).toThrow(DataError)
  })
})
