import fc from 'fast-check'
import { expect, it } from 'vitest'

import { ByteSink } from '../../src/api/json/byte-sink.ts'
import { jsonTextBy, jsonWriter, type JsonWriteOptions } from '../../src/api/json/json-write.ts'
import { arrayOf, primitive, struct, type ConnectValue } from '../../src/api/schema.ts'

const options: JsonWriteOptions = { decimalFormat: 'NUMERIC', replaceNullWithDefault: true }
const optional = { optional: true }
const row = struct(
  [
    ['id', primitive('INT64')],
    ['name', primitive('STRING', optional)],
    ['share', primitive('FLOAT64', optional)],
    ['nanos', primitive('INT64', optional)],
    ['done', primitive('BOOLEAN', optional)],
    ['tags', arrayOf(primitive('STRING', optional), optional)],
  ],
  optional,
)
const envelope = struct([
  ['before', row],
  ['after', row],
  ['op', primitive('STRING')],
])

// Few values of each kind, so that most fields hold what they held before.
const text = fc.oneof(
  fc.constantFrom('', 'paid', 'a "quoted" \\ word', 'Grüße', '\u0000\u001f', '😀', '\ud800', 'x'.repeat(65)),
  fc.constantFrom(...[63, 64, 256, 257, 9000].map((length) => 'é'.repeat(length))),
  fc.string(),
)
const number = fc.constantFrom(0, -0, 1, -1, 9, 10, 99_999_999, 100_000_000, 999_999_999, 1e9, 2 ** 31, -(2 ** 53 - 1))
const rowValue = fc.option(
  fc.tuple(
    fc.oneof(number, fc.maxSafeInteger()),
    fc.option(text),
    fc.option(fc.constantFrom(0, -0, 0.1, Number.NaN, -1 / 0)),
    fc.option(fc.oneof(fc.bigInt(), number)),
    fc.option(fc.boolean()),
    fc.option(fc.array(fc.option(text), { maxLength: 3 })),
  ),
)
const values = fc.array(fc.tuple(rowValue, rowValue, fc.constantFrom('c', 'u')), { minLength: 1, maxLength: 12 })

it('writes every value as if it were the first, whatever came before', () => {
  fc.assert(
    fc.property(values, (sequence) => {
      const write = jsonWriter(envelope, options)
      const sink = new ByteSink()
      const runs = sequence.map((value) => {
        sink.begin()
        write(sink, value)
        return sink.take().toString()
      })
      const alone = sequence.map((value) => jsonTextBy(jsonWriter(envelope, options), value))
      expect(runs).toEqual(alone)
      alone.forEach((json, i) => expect(JSON.parse(json)).toEqual(plain(sequence[i])))
    }),
    { numRuns: 300 },
  )
})

it('remembers nothing of a value that does not fit', () => {
  const write = jsonWriter(row, options)
  const sink = new ByteSink()
  const written = (value: ConnectValue): string => {
    sink.begin()
    write(sink, value)
    return sink.take().toString()
  }
  const good = [7, 'seven', 0.5, 7n, true, null]
  const json = '{"id":7,"name":"seven","share":0.5,"nanos":7,"done":true,"tags":null}'
  expect(written(good)).toBe(json)
  expect(() => written([8, 'eight', 'half', 7n, true, null])).toThrow('Invalid type for FLOAT64: "share": string')
  expect(written(good)).toBe(json)
  expect(written([8, 'seven', 0.5, 7n, true, null])).toBe(json.replace('7', '8'))
})

/** What JSON.parse makes of the value's text. */
function plain(value: unknown): unknown {
  const [before, after, op] = value as [unknown[] | null, unknown[] | null, string]
  const names = row.fields.map((field) => field.name)
  const asObject = (fields: unknown[] | null): unknown =>
    fields && Object.fromEntries(fields.map((field, i) => [names[i], plainField(field, i)]))
  return { before: asObject(before), after: asObject(after), op }
}

function plainField(field: unknown, index: number): unknown {
  if (typeof field === 'bigint') return Number(field)
  if (typeof field !== 'number') return field
  if (!Number.isFinite(field)) return String(field)
  // Only a floating-point number has a zero below zero.
  return index === 2 ? field : field + 0
}
