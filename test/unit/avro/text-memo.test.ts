import { expect, it } from 'vitest'

import { AvroCursor } from '../../../src/avro/binary/avro-cursor.ts'
import { TextMemo } from '../../../src/api/binary/text-memo.ts'

it('reads each text as it is, whatever the one before it was', () => {
  const texts = [
    'orders',
    'orders',
    'Orders',
    'order',
    '',
    '',
    'ordersé',
    'x'.repeat(64),
    'x'.repeat(65),
    'x'.repeat(64),
  ]
  const others = Array.from({ length: 200 }, (_, i) => `t${i}`)
  const [cursor, memo] = [new AvroCursor(), new TextMemo()]
  for (const text of [...texts, ...others, 'last', 'last', ...texts]) {
    const bytes = Buffer.from(text)
    const length = bytes.length < 64 ? [bytes.length * 2] : [((bytes.length * 2) & 0x7f) | 0x80, 1]
    cursor.begin(Buffer.from([...length, ...bytes]), 0)
    expect(cursor.text(memo)).toBe(text)
    cursor.end()
  }
})
