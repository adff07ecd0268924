import { describe, expect, it } from 'vitest'

import { commitOf } from '../../../../src/herder/topics/record-commit.ts'

const source = '{"connector":"postgresql","lsn":97500059720,"ts_ms":1767623787120,"txId":812}'
const header = (value: string) => [{ key: '__penstock.version', value }]
// Epoch 3, commit LSN 16/B374D848, the fifth change of its transaction.
const version = String(((3n << 43n) + (0x16b374d848n >> 3n)) * 1024n + 4n)

describe('the commit of a record', () => {
  it('is that of its row version: the LSN of an envelope is that of the change', () => {
    expect(commitOf({ value: `{"before":null,"source":${source}}`, headers: header(version) })).toEqual({
      lsn: '16/B374D848',
      time: 1767623787120,
      transaction: '812',
      version,
    })
  })

  it('is known by the version alone of a tombstone and of a flattened record', () => {
    for (const value of ['null', '{"id":7}'])
      expect(commitOf({ value, headers: header(version) })).toEqual({
        lsn: '16/B374D848',
        time: null,
        transaction: null,
        version,
      })
  })

  it('is known by the envelope alone of a record of Debezium', () => {
    expect(commitOf({ value: `{"source":${source}}`, headers: [] })).toMatchObject({
      lsn: '16/B374D848',
      version: null,
    })
  })

  it.each(['null', '7', '{"id":7}', '{"source":{"connector":"mysql","lsn":7}}'])('is not known of %s', (value) => {
    expect(commitOf({ value, headers: header('"later"') })).toBe(null)
  })
})
