import { describe, expect, it } from 'vitest'
import { murmur2, partitionForKey } from '../../../src/protocol/murmur2.ts'

describe('murmur2', () => {
  // The vectors of org.apache.kafka.common.utils.UtilsTest.
  const vectors: readonly (readonly [string, number])[] = [
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ]
  for (const [text, expected] of vectors) {
    it(`hashes "${text}" as the Java client does`, () => {
      expect(murmur2(Buffer.from(text))).toBe(expected)
    })
  }

  it('never gives a negative partition', () => {
    expect(partitionForKey(Buffer.from('21'), 7)).toBe((-973932308 & 0x7fffffff) % 7)
  })
})
