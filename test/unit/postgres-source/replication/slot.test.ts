import { describe, expect, it } from 'vitest'

import { checkSlot, type Slot } from '../../../../connectors/postgres-source/replication/slot.ts'

const slot: Slot = {
  name: 'orders',
  plugin: 'pgoutput',
  database: 'shop',
  active: false,
  confirmedLsn: 0x1000,
  lost: false,
}
const check = (changed: Partial<Slot> | null, limit: number | null) => (): void =>
  checkSlot(changed === null ? null : { ...slot, ...changed }, 'orders', 'shop', limit)

describe('a replication slot', () => {
  it('is streamed from when it has confirmed nothing behind the stored offset', () => {
    for (const limit of [null, 0x1000, 0x1001]) expect(check({}, limit)).not.toThrow()
    expect(check({ confirmedLsn: null }, 0x10)).not.toThrow()
  })

  it('is refused when it has confirmed changes that the stored offset does not have: they are lost', () => {
    expect(check({}, 0xfff)).toThrow(expect.objectContaining({ code: 'PG_SLOT_AHEAD' }))
    expect(check({}, 0xfff)).toThrow(/orders" .*0\/1000, .*stored offset 0\/FFF/)
  })

  it('may be missing only when no offset is stored', () => {
    expect(check(null, null)).not.toThrow()
    expect(check(null, 0x1000)).toThrow(expect.objectContaining({ code: 'PG_SLOT_MISSING' }))
  })

  it('is refused when the server has removed what it needs, also when no offset is stored', () => {
    expect(check({ lost: true }, null)).toThrow(expect.objectContaining({ code: 'PG_SLOT_LOST' }))
  })

  it('is refused when it belongs to another plugin or database', () => {
    for (const other of [{ plugin: 'wal2json' }, { database: 'crm' }, { plugin: null, database: null }])
      expect(check(other, null)).toThrow(expect.objectContaining({ code: 'PG_SLOT' }))
  })
})
