import { describe, expect, it } from 'vitest'
import { apis } from '../../support/protocol/apis.ts'
import { ByteReader } from '../../../src/protocol/bytes/byte-reader.ts'
import { decodeRequest, decodeResponse, encodeRequest, encodeResponse } from '../../../src/protocol/codec.ts'
import { compileMessage } from '../../../src/protocol/message-codec.ts'
import { ByteWriter } from '../../../src/protocol/bytes/byte-writer.ts'
import { errorName, errorCodes, isRetriableCode } from '../../../src/protocol/error-codes.ts'
import { ProtocolError } from '../../../src/protocol/protocol-error.ts'
import { array, int32, int64, string } from '../../../src/protocol/schema.ts'

describe('messages', () => {
  it('are written field by field as Kafka lays them out', () => {
    const value = { transactionalId: null, acks: -1, timeoutMs: 30_000, topicData: [] }
    expect(encodeRequest(apis.produce, 3, value).toString('hex')).toBe('ffffffff0000753000000000')
    expect(encodeRequest(apis.produce, 9, value).toString('hex')).toBe('00ffff000075300100')
  })

  it('carry tagged fields only where they differ from their default', () => {
    const plain = encodeResponse(apis.apiVersions, 3, { errorCode: 0, apiKeys: [] })
    expect(plain.toString('hex')).toBe('0000010000000000')
    const withEpoch = encodeResponse(apis.apiVersions, 3, { errorCode: 0, apiKeys: [], finalizedFeaturesEpoch: 5 })
    expect(withEpoch.toString('hex')).toBe('000001000000000101080000000000000005')
  })

  it('skip tagged fields they do not know', () => {
    const bytes = Buffer.from('0000010000000000', 'hex')
    const withUnknown = Buffer.concat([bytes.subarray(0, 7), Buffer.from('026302abcd6400', 'hex')])
    expect(decodeResponse(apis.apiVersions, 3, new ByteReader(withUnknown))).toMatchObject({
      errorCode: 0,
      apiKeys: [],
    })
  })

  it('fill in the defaults of fields that an older version does not have', () => {
    const decoded = decodeRequest(apis.metadata, 1, new ByteReader(Buffer.from('ffffffff', 'hex')))
    expect(decoded).toEqual({
      topics: null,
      allowAutoTopicCreation: true,
      includeClusterAuthorizedOperations: false,
      includeTopicAuthorizedOperations: false,
    })
  })

  it('leave out on the way what the version does not have', () => {
    const value = { groupId: 'g', topics: [], requireStable: true }
    expect(encodeRequest(apis.offsetFetch, 5, value).toString('hex')).toBe('00016700000000')
  })

  it('refuse null where the version does not allow it', () => {
    expect(() => encodeRequest(apis.metadata, 0, { topics: null })).toThrow(/Metadata|topics/)
    expect(() => decodeRequest(apis.metadata, 0, new ByteReader(Buffer.from('ffffffff', 'hex')))).toThrow(
      /topics is null/,
    )
  })

  it('refuse versions that are not spoken, naming those that are', () => {
    expect(() => encodeRequest(apis.produce, 12, { acks: 1, timeoutMs: 1, topicData: [] })).toThrow(
      /Produce v12 is not spoken \(v3 to v11 are\)/,
    )
  })

  it('refuse an array that claims more elements than there are bytes', () => {
    const claim = Buffer.alloc(8)
    claim.writeInt32BE(0x7fff_ffff, 0)
    expect(() => decodeRequest(apis.metadata, 1, new ByteReader(claim))).toThrow(/do not fit/)
  })

  it('refuse lengths below -1', () => {
    expect(() => decodeRequest(apis.metadata, 1, new ByteReader(Buffer.from('fffffffe', 'hex')))).toThrow(/negative/)
  })

  it('refuse strings that their length cannot express', () => {
    expect(() =>
      encodeRequest(apis.heartbeat, 0, { groupId: 'x'.repeat(40_000), generationId: 1, memberId: '' }),
    ).toThrow(ProtocolError)
  })

  it('refuse strings that they could not write again, in every version', () => {
    const request = (groupId: Buffer): Buffer => {
      const writer = new ByteWriter()
      writer.length(groupId.length, true, 16)
      writer.bytes(groupId)
      return Buffer.concat([...writer.take(), Buffer.from('0000000101000000', 'hex')])
    }
    const decoded = (groupId: Buffer): string =>
      decodeRequest(apis.heartbeat, 4, new ByteReader(request(groupId))).groupId
    expect(decoded(Buffer.alloc(32_767, 'g'))).toHaveLength(32_767)
    expect(() => decoded(Buffer.alloc(32_768, 'g'))).toThrow(/Heartbeat v4 request: a string of 32768 bytes is longer/)
    expect(decoded(Buffer.alloc(10_922, 0xff))).toHaveLength(10_922)
    expect(() => decoded(Buffer.alloc(10_923, 0xff))).toThrow(/a string of 10923 bytes is not UTF-8/)
    const long = { groupId: 'x'.repeat(32_768), generationId: 1, memberId: '' }
    expect(() => encodeRequest(apis.heartbeat, 4, long)).toThrow(ProtocolError)
  })

  it('name the field that is missing', () => {
    expect(() => encodeRequest(apis.heartbeat, 0, { groupId: 'g', generationId: 1 } as never)).toThrow(
      /memberId is missing/,
    )
  })

  it('clamp 64-bit numbers instead of wrapping them', () => {
    const codec = compileMessage({ value: int64() }, 0, false)
    const writer = new ByteWriter()
    for (const value of [2 ** 70, -(2 ** 70), 2 ** 53 - 1, -1]) codec.encode(writer, { value })
    const bytes = Buffer.concat(writer.take())
    expect([0, 8, 16, 24].map((at) => bytes.readBigInt64BE(at))).toEqual([
      2n ** 63n - 1n,
      -(2n ** 63n),
      2n ** 53n - 1n,
      -1n,
    ])
  })

  it('can be compiled for what travels inside opaque bytes', () => {
    const codec = compileMessage({ topics: array({ name: string(), partitions: array(int32()) }) }, 0, false)
    const writer = new ByteWriter()
    codec.encode(writer, { topics: [{ name: 't', partitions: [3] }] })
    const bytes = Buffer.concat(writer.take())
    expect(bytes.toString('hex')).toBe('000000010001740000000100000003')
    expect(codec.decode(new ByteReader(bytes))).toEqual({ topics: [{ name: 't', partitions: [3] }] })
  })
})

describe('the writer', () => {
  it('hands large byte runs on without copying them', () => {
    const large = Buffer.alloc(10_000, 7)
    const writer = new ByteWriter()
    writer.int32(1)
    writer.bytes(large)
    writer.int32(2)
    expect(writer.size).toBe(10_008)
    const parts = writer.take()
    expect(parts.map((part) => part.length)).toEqual([4, 10_000, 4])
    expect(parts[1]?.buffer).toBe(large.buffer)
    expect(writer.size).toBe(0)
  })
})

describe('error codes', () => {
  it('have names and say whether to try again', () => {
    expect(errorName(36)).toBe('TOPIC_ALREADY_EXISTS')
    expect(errorName(4711)).toBe('UNKNOWN(4711)')
    expect(isRetriableCode(errorCodes.NOT_COORDINATOR)).toBe(true)
    expect(isRetriableCode(errorCodes.MESSAGE_TOO_LARGE)).toBe(false)
  })
})
