import { describe, expect, it } from 'vitest'
import { formatLsn, parseLsn, readLsn } from '../../../../connectors/postgres-source/offsets/lsn.ts'

describe('WAL positions', () => {
  it('are numbers with a text form', () => {
    expect(parseLsn('16/B374D848')).toBe(0x16b374d848)
    expect(formatLsn(0x16b374d848)).toBe('16/B374D848')
    expect(readLsn(Buffer.from('00000016b374d848', 'hex'), 0)).toBe(0x16b374d848)
  })

  it('are rejected past 2^53', () => {
    expect(() => readLsn(Buffer.from('ffffffffffffffff', 'hex'), 0)).toThrow('LSN')
    for (const text of ['nonsense', '16/', '/B3', '16/B374D848x', '1x/2', '16/B374D848 ', '123456789/0']) {
      expect(() => parseLsn(text), text).toThrow('LSN')
    }
  })
})
