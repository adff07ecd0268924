import { describe, expect, it } from 'vitest'
import { firstVersion, versionAt } from '../../../../connectors/postgres-source/offsets/row-version.ts'

describe('the version of a row', () => {
  const version = (epoch: number, lsn: number, index: number): bigint => versionAt(firstVersion(epoch, lsn), index)

  it('contains the epoch, the commit LSN in units of eight bytes, and the index of the change', () => {
    expect(version(0, 8000, 0)).toBe(1_024_000n)
    expect(version(3, 2 ** 45, 5)).toBe(3n * 2n ** 53n + 2n ** 52n + 5n)
    expect(version(1023, 2 ** 46 - 8, 1023)).toBe(2n ** 63n - 1n)
  })

  it('rises with the index up to 1023, and never reaches the version of the next commit', () => {
    expect(version(1, 8000, 1023)).toBe(version(1, 8000, 0) + 1023n)
    expect(version(1, 8000, 5000)).toBe(version(1, 8000, 1023))
    expect(version(1, 8008, 0)).toBeGreaterThan(version(1, 8000, 1_000_000))
  })

  it('of the first epoch lies above every offset of a topic and every version without an epoch', () => {
    expect(version(1, 0, 0)).toBeGreaterThan(BigInt(Number.MAX_SAFE_INTEGER))
    expect(version(1, 0, 0)).toBeGreaterThan((2n ** 43n - 8n) * 1024n + 1023n)
  })
})
