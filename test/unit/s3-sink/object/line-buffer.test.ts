import { expect, it } from 'vitest'

import { LineBuffer } from '../../../../connectors/s3-sink/object/line-buffer.ts'

it('takes lines as text and as bytes, and grows with them', () => {
  const buffer = new LineBuffer()
  const long = 'ü'.repeat(20_000)
  const lines = ['{"a":1}', '', long, '{"b":"é"}', long]
  const sizes = lines.map((line, i) => buffer.append(i % 2 === 0 ? line : Buffer.from(line)))
  expect(sizes).toEqual(lines.map((line) => Buffer.byteLength(line) + 1))
  expect(buffer.append(Buffer.from(long))).toBe(40_001)
  expect(buffer.take().toString()).toBe([...lines, long, ''].join('\n'))
  expect(buffer.take()).toHaveLength(0)
})

it('keeps a copy of the bytes it was given', () => {
  const buffer = new LineBuffer()
  const bytes = Buffer.from('one')
  buffer.append(bytes)
  bytes.fill('x')
  expect(buffer.take().toString()).toBe('one\n')
})
