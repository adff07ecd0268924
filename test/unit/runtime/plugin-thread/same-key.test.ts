import { describe, expect, it } from 'vitest'

import type { ConnectValue } from '../../../../src/api/schema.ts'
import { keyTest } from '../../../../src/runtime/plugin-thread/records/same-key.ts'

const order: ConnectValue = { id: 7, shop: 'a' }

describe('a typed key', () => {
  it.each<[string, ConnectValue]>([
    ['{"shop":"a","id":7}', order],
    ['{"id":9007199254740993}', { id: 9007199254740993n }],
    ['{"id":7}', new Map<ConnectValue, ConnectValue>([['id', 7]])],
    ['7', { id: 7 }],
    ['7', '7'],
    ['"7"', 7],
    ['order 7', 'order 7'],
    ['[1,2]', [1, 2]],
    ['null', null],
    ['aGk=', Buffer.from('hi')],
  ])('%s is the key %o', (typed, key) => {
    expect(keyTest(typed)(key)).toBe(true)
  })

  it.each<[string, ConnectValue]>([
    ['{"id":7}', order],
    ['7', order],
    ['{"id":9007199254740992}', { id: 9007199254740993n }],
    ['{"id":7}', { id: 8 }],
    ['{"id":null}', { number: null }],
    ['[1,2]', [2, 1]],
    ['7', [7]],
    ['null', {}],
    ['', null],
  ])('%s is not the key %o', (typed, key) => {
    expect(keyTest(typed)(key)).toBe(false)
  })
})
