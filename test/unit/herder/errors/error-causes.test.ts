import { describe, expect, it } from 'vitest'

import { ErrorCauses } from '../../../../src/herder/errors/error-causes.ts'
import { normalMessage } from '../../../../src/storage/dead-letters/normal-message.ts'
import type { LetterHeader } from '../../../../src/storage/dead-letters/letter-context.ts'

const headers = (texts: Readonly<Record<string, string>>): readonly LetterHeader[] =>
  Object.entries(texts).map(([key, text]) => ({ key: `__connect.errors.${key}`, value: Buffer.from(text) }))
const letter = (message: string, connector = 'sink') =>
  headers({ 'connector.name': connector, stage: 'TASK_PUT', 'exception.message': message })
const at = (offset: number, timestamp = offset) => ({ partition: 0, offset, timestamp, key: null })
const numbered = (offset: number) => ({ ...at(offset), headers: letter(`offset ${offset}`) })

describe('the causes of dead letters', () => {
  it.each([
    ["document with id '5' has no field", "document with id '7f' has no field"],
    ['offset 12 of orders-3', 'offset 9999 of orders-0'],
    ['of 0b2f6c1e-9d55-4c1e-8f5c-5b1f7a3e9c11', 'of ffffffff-ffff-4fff-8fff-ffffffffffff'],
    ['id 5f3a9c1177aa0b2c', 'id 99ffeeddccbb0011aa'],
    ['the text "a" cannot\nbe read', 'the text "b" cannot be  read'],
    ['took 1.5 s', 'took 17 s'],
  ])('take %j and %j for the same', (one, other) => {
    expect(normalMessage(one)).toBe(normalMessage(other))
  })

  it.each([
    ['no field a', 'no field b'],
    ["the broker doesn't know the topic of it's own", "the broker doesn't like the topic of it's own"],
  ])('tell %j from %j', (one, other) => {
    expect(normalMessage(one)).not.toBe(normalMessage(other))
  })

  it('are the same whatever order the letters have', () => {
    const records = [3, 1, 2].map(numbered)
    const found = [records, records.toReversed()].map((all) => {
      const causes = new ErrorCauses('sink')
      causes.add(all, null)
      return causes.found.causes
    })
    expect(found[0]).toEqual(found[1])
    expect(found[0]).toMatchObject([{ count: 3, first: 1, last: 3, example: { offset: 3, message: 'offset 3' } }])
  })

  it('have a limit, beyond which letters are only counted', () => {
    const causes = new ErrorCauses('sink')
    const word = (n: number): string => String.fromCodePoint(0x4e00 + n)
    for (let n = 0; n < 150; n += 1) causes.add([{ ...at(n), headers: letter(word(n)) }], null)
    causes.add([{ ...at(150), headers: letter(word(0)) }], null)
    expect(causes.found).toMatchObject({ own: 151, unlisted: 50 })
    expect(causes.found.causes).toHaveLength(100)
    expect(causes.found.causes[0]).toMatchObject({ count: 2 })
  })

  it('count letters of others, and those that name no connector, as such', () => {
    const causes = new ErrorCauses('sink')
    causes.add([{ ...at(0), headers: letter('m', 'other') }], null)
    causes.add([{ ...at(1), headers: [{ key: '__connect.errors.connector.name', value: null }] }], null)
    causes.add([{ ...at(2), headers: [] }], null)
    expect(causes.found).toEqual({ causes: [], records: 3, own: 0, withoutContext: 2, unlisted: 0 })
  })

  it('of a letter that another connector has read from its own queue are those of the last headers', () => {
    const causes = new ErrorCauses('sink')
    causes.add([{ ...at(0), headers: [...letter('first'), ...letter('second', 'reader')] }], null)
    causes.add([{ ...at(1), headers: [...letter('first', 'reader'), ...letter('second')] }], null)
    expect(causes.found.causes).toMatchObject([{ count: 1, message: 'second' }])
  })

  it('show no time or place that is none', () => {
    const causes = new ErrorCauses('sink')
    const place = headers({ topic: 'orders', partition: '-1', offset: '1e3' })
    causes.add([{ ...at(0, -1), headers: [...letter('m'), ...place] }], null)
    expect(causes.found.causes).toMatchObject([
      { first: null, last: null, example: { place: { topic: 'orders', partition: null, offset: null } } },
    ])
  })
})
