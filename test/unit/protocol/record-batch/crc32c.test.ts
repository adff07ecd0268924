import { describe, expect, it } from 'vitest'
import { crc32c, crc32cInScript, crc32cIsNative } from '../../../../src/protocol/record-batch/crc32c.ts'

const vectors: readonly (readonly [string, Buffer, number])[] = [
  ['nothing', Buffer.alloc(0), 0x00000000],
  ['"a"', Buffer.from('a'), 0xc1d04330],
  ['"123456789"', Buffer.from('123456789'), 0xe3069283],
  ['32 zero bytes', Buffer.alloc(32), 0x8a9136aa],
  ['32 bytes of ff', Buffer.alloc(32, 0xff), 0x62a8ab43],
  ['the bytes 00 to 1f', Buffer.from(Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e],
]

describe('crc32c', () => {
  it('uses the native module on this machine', () => {
    expect(crc32cIsNative).toBe(true)
  })

  for (const [title, bytes, expected] of vectors) {
    it(`gives the published checksum of ${title}, native and in script`, () => {
      expect(crc32c(bytes)).toBe(expected)
      expect(crc32cInScript(bytes)).toBe(expected)
    })
  }

  it('is the same in script forevery length and alignment', () => {
    const bytes = Buffer.from(Array.from({ length: 300 }, (_, i) => (i * 131 + 7) & 0xff))
    for (let start = 0; start < 9; start += 1) {
      for (let end = start; end < bytes.length; end += 1) {
        const part = bytes.subarray(start, end)
        expect(crc32cInScript(part)).toBe(crc32c(part))
      }
    }
  })
})
