import { describe, expect, it } from 'vitest'

import { plainJson } from '../../../../src/api/json/json-text.ts'
import type { ConnectValue } from '../../../../src/api/schema.ts'
import { recordFilter } from '../../../../src/runtime/plugin-thread/records/record-filter.ts'

const parts: Record<string, ConnectValue> = {
  key: { id: 9007199254740993n },
  value: { before: null, after: { status: 'PAID', total: '12.50', tags: ['a=b', 'c'], lines: [{ sku: 7 }] } },
  headers: { __op: 'u' },
}
const record = { parts, texts: Object.values(parts).map(plainJson) }
const passes = (filter: string): boolean => recordFilter({ by: 'text', text: filter }).passes(record)

describe('a filter', () => {
  it.each([
    'status=PAID',
    'after.status=PAID',
    'value.after.status=PAID',
    'id=9007199254740993',
    'key.id=9007199254740993',
    'headers.__op=u',
    'before=null',
    'tags=c',
    'lines.sku=7',
    'total=12.50',
  ])('%s passes a record with this field', (filter) => {
    expect(passes(filter)).toBe(true)
  })

  it.each(['status=PAI', 'before.status=PAID', 'key.status=PAID', 'id=9007199254740992', 'statu=PAID', 'us=PAID'])(
    '%s passes no record without it',
    (filter) => {
      expect(passes(filter)).toBe(false)
    },
  )

  it('that is no condition passes a record with this text', () => {
    expect(['PAID', '"__op', 'AID"', 'nothing'].map(passes)).toEqual([true, true, true, false])
    expect([passes('a=b'), passes('"a=b"')]).toEqual([false, true])
  })

  it('passes bytes that no converter reads by their text', () => {
    const bytes = Buffer.from('\0broken PAID')
    expect(recordFilter({ by: 'text', text: 'PAID' }).passesBytes(bytes)).toBe(true)
    expect(recordFilter({ by: 'text', text: 'status=PAID' }).passesBytes(bytes)).toBe(false)
  })
})
