import { describe, expect, it } from 'vitest'
import { apis } from '../../support/protocol/apis.ts'
import { ByteReader } from '../../../src/protocol/bytes/byte-reader.ts'
import { decodeRequest, isFlexible } from '../../../src/protocol/codec.ts'
import {
  decodeResponseFrame,
  encodeRequestFrame,
  encodeResponseFrame,
  readRequestHeader,
  skipTaggedFields,
} from '../../../src/protocol/frame.ts'
import { FrameSplitter } from '../../../src/protocol/frame-splitter.ts'
import { ProtocolError } from '../../../src/protocol/protocol-error.ts'

describe('a request frame', () => {
  for (const version of [3, 4]) {
    it(`is read as it was written (Heartbeat v${version})`, () => {
      const value = { groupId: 'g', generationId: 3, memberId: 'm', groupInstanceId: null }
      const header = { apiVersion: version, correlationId: 77, clientId: 'penstock' }
      const bytes = Buffer.concat(encodeRequestFrame(apis.heartbeat, header, value))
      expect(bytes.readInt32BE(0)).toBe(bytes.length - 4)
      const reader = new ByteReader(bytes, 4)
      expect(readRequestHeader(reader)).toEqual({ apiKey: 12, ...header })
      if (isFlexible(apis.heartbeat, version)) skipTaggedFields(reader)
      expect(decodeRequest(apis.heartbeat, version, reader)).toEqual(value)
      expect(reader.remaining).toBe(0)
    })
  }
})

describe('a response frame', () => {
  it('has tagged fields in its header in flexible versions', () => {
    const bytes = Buffer.concat(encodeResponseFrame(apis.heartbeat, 4, 9, { errorCode: 27 }))
    expect(bytes.toString('hex')).toBe('0000000c000000090000000000001b00')
    expect(decodeResponseFrame(apis.heartbeat, 4, bytes.subarray(4))).toEqual({
      correlationId: 9,
      body: { throttleTimeMs: 0, errorCode: 27 },
    })
  })

  it('has none in the answer to ApiVersions, whatever the version', () => {
    const body = { errorCode: 35, apiKeys: [{ apiKey: 18, minVersion: 0, maxVersion: 4 }] }
    const bytes = Buffer.concat(encodeResponseFrame(apis.apiVersions, 0, 1, body))
    expect(bytes.toString('hex')).toBe('0000001000000001002300000001001200000004')
    const flexible = Buffer.concat(encodeResponseFrame(apis.apiVersions, 3, 1, body))
    expect(flexible.subarray(4, 10).toString('hex')).toBe('000000010023')
  })
})

describe('cutting a stream into frames', () => {
  const frames = [Buffer.from('first'), Buffer.alloc(0), Buffer.alloc(3000, 'x'), Buffer.from('last')]
  const framed = (list: readonly Buffer[]): Buffer =>
    Buffer.concat(
      list.flatMap((frame) => {
        const length = Buffer.alloc(4)
        length.writeInt32BE(frame.length, 0)
        return [length, frame]
      }),
    )
  const stream = framed(frames)

  for (const size of [1, 2, 3, 7, 1000, stream.length]) {
    it(`gives the same frames when ${size} bytes come at a time`, () => {
      const splitter = new FrameSplitter()
      const result: Buffer[] = []
      for (let at = 0; at < stream.length; at += size) result.push(...splitter.push(stream.subarray(at, at + size)))
      expect(result.map(String)).toEqual(frames.map(String))
      expect(splitter.pendingBytes).toBe(0)
    })
  }

  for (const size of [1, 5, 1000, 20_000]) {
    it(`gives frames of their own memory when at most ${size} bytes are read to where it says`, () => {
      const large = [...frames, Buffer.alloc(40_000, 'y'), Buffer.alloc(3_000_000, 'z'), Buffer.from('end')]
      const bytes = framed(large)
      const shared = Buffer.alloc(size)
      const splitter = new FrameSplitter()
      const result: Buffer[] = []
      for (let at = 0; at < bytes.length;) {
        const destination = splitter.destination(shared)
        const count = bytes.copy(destination, 0, at, at + Math.min(destination.length, bytes.length - at))
        at += count
        result.push(...splitter.received(shared, count))
        shared.fill(0)
      }
      expect(result.map((frame) => frame.length)).toEqual(large.map((frame) => frame.length))
      expect(result.every((frame, i) => frame.equals(large[i] ?? frame))).toBe(true)
      expect(splitter.pendingBytes).toBe(0)
    })
  }

  it('refuses a frame that is too large or of negative length as soon as it knows', () => {
    const splitter = new FrameSplitter(1000)
    expect(() => splitter.push(Buffer.from('000003e9', 'hex'))).toThrow(ProtocolError)
    expect(() => new FrameSplitter().push(Buffer.from('ffffffff', 'hex'))).toThrow(/-1 bytes/)
    const dripped = new FrameSplitter(1000)
    dripped.push(Buffer.from('ff', 'hex'))
    expect(() => dripped.push(Buffer.from('ffffff', 'hex'))).toThrow(ProtocolError)
  })
})
