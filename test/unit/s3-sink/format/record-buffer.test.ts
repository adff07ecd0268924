import fc from 'fast-check'
import { expect, it } from 'vitest'

import { RecordBuffer } from '../../../../connectors/s3-sink/format/record-buffer.ts'
import { jsonFormat } from '../../../../connectors/s3-sink/format/json-format.ts'

const lineFeed = Buffer.from('\n')
const bufferOf = (ending: Buffer = lineFeed): RecordBuffer => new RecordBuffer(ending, 30_000)

it('takes records as text and as bytes, and grows with them', () => {
  const buffer = bufferOf()
  const long = 'ü'.repeat(20_000)
  const lines = ['{"a":1}', '', long, '{"b":"é"}', long]
  const sizes = lines.map((line, i) => buffer.append(i % 2 === 0 ? line : Buffer.from(line)))
  expect(sizes).toEqual(lines.map((line) => Buffer.byteLength(line) + 1))
  expect(buffer.append(Buffer.from(long))).toBe(40_001)
  expect(buffer.take().toString()).toBe([...lines, long, ''].join('\n'))
  expect(buffer.take()).toHaveLength(0)
})

it('keeps a copy of the bytes it was given', () => {
  const buffer = bufferOf()
  const bytes = Buffer.from('one')
  buffer.append(bytes)
  bytes.fill('x')
  expect(buffer.take().toString()).toBe('one\n')
})

it('returns the records as they were added, each with its ending', () => {
  const records = fc.array(fc.tuple(fc.string({ unit: 'grapheme' }), fc.nat({ max: 2000 }), fc.boolean()), {
    maxLength: 40,
  })
  fc.assert(
    fc.property(records, fc.string({ unit: 'grapheme', maxLength: 3 }), (parts, ending) => {
      const buffer = bufferOf(Buffer.from(ending))
      let bytes = 0
      const out: Buffer[] = []
      for (const [text, times, isText] of parts) {
        const record = text.repeat(times)
        bytes += buffer.append(isText ? record : Buffer.from(record))
        if (buffer.isFull) out.push(buffer.take())
      }
      out.push(buffer.take())
      const whole = Buffer.concat(out)
      expect(whole.toString()).toBe(parts.map(([text, times]) => `${text.repeat(times)}${ending}`).join(''))
      expect(bytes).toBe(whole.length)
      expect(buffer.held).toBe(0)
    }),
  )
})

it('of lines of JSON starts small and is full before it has to grow beyond its size', () => {
  const lines = jsonFormat('BASE64').begin(null)
  const append = (text: string): number => lines.append({} as never, text)
  append('x')
  expect(lines.held).toBe(16 * 1024)
  while (!lines.isFull) append('x'.repeat(200))
  expect(lines.held).toBe(256 * 1024)
})
