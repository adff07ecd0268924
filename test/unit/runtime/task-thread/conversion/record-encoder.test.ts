import { beforeEach, describe, expect, it } from 'vitest'
import { DataError } from '../../../../../src/api/errors.ts'
import type { Header, SourceRecord } from '../../../../../src/api/record.ts'
import { RecordEncoder, type Converters } from '../../../../../src/runtime/task-thread/conversion/record-encoder.ts'

let converted: string[]
/** Text as it is; a header shows the topic that it was converted for. */
const converters: Converters = {
  key: { fromConnect: (_topic, _schema, value) => bytes(value), toConnect: () => ({ schema: null, value: null }) },
  value: { fromConnect: (_topic, _schema, value) => bytes(value), toConnect: () => ({ schema: null, value: null }) },
  header: {
    fromConnectHeader: (topic, key, _schema, value) => {
      converted.push(key)
      return bytes(`${topic}:${String(value)}`)
    },
    toConnectHeader: () => ({ schema: null, value: null }),
  },
}

function bytes(value: unknown): Buffer | null {
  if (value === 'bad') throw new RangeError('it is bad')
  return typeof value === 'string' ? Buffer.from(value) : null
}

const header = (key: string, value: string): Header => ({ key, schema: null, value })

function record(headers: readonly Header[], parts: Partial<SourceRecord> = {}): SourceRecord {
  return {
    topic: 't',
    partition: null,
    keySchema: null,
    key: 'k',
    valueSchema: null,
    value: 'v',
    timestamp: null,
    headers,
    sourcePartition: {},
    sourceOffset: {},
    ...parts,
  }
}

function headersOf(encoder: RecordEncoder, ...given: Parameters<typeof record>): string[] {
  return encoder.encode(record(...given)).headers.map(({ key, value }) => `${key}=${String(value)}`)
}

describe('the encoder of records', () => {
  beforeEach(() => {
    converted = []
  })

  it('converts a header that is the same object at the same place once', () => {
    const encoder = new RecordEncoder(converters)
    const constant = header('source', 'a')
    expect(headersOf(encoder, [constant, header('version', '1')])).toEqual(['source=t:a', 'version=t:1'])
    expect(headersOf(encoder, [constant, header('version', '2')])).toEqual(['source=t:a', 'version=t:2'])
    expect(converted).toEqual(['source', 'version', 'version'])
  })

  it('lets the converters of key and value append headers, to this record alone (KIP-440)', () => {
    const appending = (name: string): Converters['key'] => ({
      fromConnect: (_topic, _schema, value, headers) => {
        headers?.push({ key: name, value: Buffer.from(`${String(value)}${headers.length}`) })
        return bytes(value)
      },
      toConnect: () => ({ schema: null, value: null }),
    })
    const encoder = new RecordEncoder({ ...converters, key: appending('key-id'), value: appending('value-id') })
    const constant = header('source', 'a')
    for (let i = 0; i < 2; i += 1) {
      expect(headersOf(encoder, [])).toEqual(['key-id=k0', 'value-id=v1'])
      expect(headersOf(encoder, [constant])).toEqual(['source=t:a', 'key-id=k1', 'value-id=v2'])
      expect(headersOf(encoder, [constant, header('x', 'y')])).toEqual([
        'source=t:a',
        'x=t:y',
        'key-id=k2',
        'value-id=v3',
      ])
    }
  })

  it('never gives a header the bytes of another one', () => {
    const encoder = new RecordEncoder(converters)
    const [a, b] = [header('h', 'a'), header('h', 'b')]
    expect(headersOf(encoder, [a])).toEqual(['h=t:a'])
    expect(headersOf(encoder, [b])).toEqual(['h=t:b'])
    expect(headersOf(encoder, [a, b])).toEqual(['h=t:a', 'h=t:b'])
    expect(headersOf(encoder, [b, a])).toEqual(['h=t:b', 'h=t:a'])
    expect(headersOf(encoder, [])).toEqual([])
    expect(headersOf(encoder, [a])).toEqual(['h=t:a'])
  })

  it('converts a header again for another topic: its converter may register a schema for each', () => {
    const encoder = new RecordEncoder(converters)
    const constant = header('h', 'a')
    expect(headersOf(encoder, [constant])).toEqual(['h=t:a'])
    expect(headersOf(encoder, [constant], { topic: 'u' })).toEqual(['h=u:a'])
    expect(headersOf(encoder, [constant])).toEqual(['h=t:a'])
  })

  it('keeps topic, partition and timestamp, where -1 stands for no timestamp', () => {
    const encoder = new RecordEncoder(converters)
    const outgoing = encoder.encode(record([], { topic: 'u', partition: 3, timestamp: 5 }))
    const [key, value] = [Buffer.from('k'), Buffer.from('v')]
    expect(outgoing).toEqual({ topic: 'u', partition: 3, key, value, headers: [], timestamp: 5 })
    expect(encoder.encode(record([], { timestamp: -1 })).timestamp).toBeNull()
    expect(encoder.encode(record([], { timestamp: 0 })).timestamp).toBe(0)
    expect(() => encoder.encode(record([], { timestamp: -2 }))).toThrow('timestamp -2 is negative')
  })

  it.each([
    ['HEADER_CONVERTER', 'a header', () => record([header('h', 'bad')])],
    ['KEY_CONVERTER', 'the key', () => record([], { key: 'bad' })],
    ['VALUE_CONVERTER', 'the value', () => record([], { value: 'bad' })],
  ])('names %s as the stage of a failure', (stage, part, bad) => {
    const encoder = new RecordEncoder({
      ...converters,
      header: { ...converters.header, fromConnectHeader: (_topic, _key, _schema, value) => bytes(value) },
    })
    const message = `${part} of a record for topic t does not convert: it is bad`
    expect(() => encoder.encode(bad())).toThrow(expect.objectContaining({ stage, message }))
    expect(() => encoder.encode(bad())).toThrow(DataError)
  })
})
