import { gzipSync, zstdCompressSync } from 'node:zlib'
import { createRequire } from 'node:module'
import { describe, expect, it } from 'vitest'
import { compress, decompress } from '../../../../src/protocol/record-batch/compression.ts'
import { ProtocolError } from '../../../../src/protocol/protocol-error.ts'

const snappy = createRequire(import.meta.url)('snappy') as typeof import('snappy')
const text = Buffer.from('the same words again and again, '.repeat(5000))
const noise = Buffer.from(Array.from({ length: 100_000 }, (_, i) => (Math.imul(i, 2654435761) >>> 13) & 0xff))

describe('compression', () => {
  for (const codec of ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const) {
    it(`unpacks what it packed with ${codec}`, () => {
      for (const bytes of [text, noise, Buffer.from('x')]) {
        expect(decompress(codec, compress(codec, bytes)).equals(bytes)).toBe(true)
      }
    })
  }

  for (const codec of ['gzip', 'snappy', 'lz4', 'zstd'] as const) {
    it(`refuses a ${codec} bomb before it goes off (I10)`, () => {
      const bomb = compress(codec, Buffer.alloc(8 * 1024 * 1024))
      expect(() => decompress(codec, bomb, 1024 * 1024)).toThrow(ProtocolError)
      expect(decompress(codec, bomb, 8 * 1024 * 1024).length).toBe(8 * 1024 * 1024)
    })

    it(`reports damaged ${codec} bytes with a named error`, () => {
      const packed = compress(codec, text)
      expect(() => decompress(codec, packed.subarray(0, packed.length >> 1))).toThrow(ProtocolError)
      expect(() => decompress(codec, Buffer.from('not packed at all'))).toThrow(ProtocolError)
      expect(() => decompress(codec, Buffer.alloc(0))).toThrow(ProtocolError)
    })
  }

  it('reads a raw snappy block, as librdkafka writes it', () => {
    expect(decompress('snappy', snappy.compressSync(text, { copyOutputData: true })).equals(text)).toBe(true)
  })

  it('writes snappy in the stream framing that the Java client reads', () => {
    expect(compress('snappy', text).subarray(0, 16).toString('hex')).toBe('82534e41505059000000000100000001')
  })

  it('writes independent lz4 blocks, the only kind the Java client reads', () => {
    const frame = compress('lz4', text)
    expect(frame.readUInt32LE(0)).toBe(0x184d2204)
    expect(frame.readUInt8(4) & 0b10_0000).toBe(0b10_0000)
  })

  it('reads gzip and zstd of several members', () => {
    expect(decompress('gzip', Buffer.concat([gzipSync('ab'), gzipSync('cd')])).toString()).toBe('abcd')
    expect(decompress('zstd', zstdCompressSync(text)).equals(text)).toBe(true)
  })
})
