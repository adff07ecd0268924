import {
  arrayOf,
  DataError,
  decimalFromBytes,
  decimalToBytes,
  Logical,
  mapOf,
  present,
  primitive,
  struct,
  type Schema,
} from 'penstock/api'
import { describe, expect, it } from 'vitest'

import { ByteStatistics } from '../../../../../connectors/s3-sink/format/parquet/column/byte-statistics.ts'
import { ColumnStage } from '../../../../../connectors/s3-sink/format/parquet/column/column-stage.ts'
import { HeldBytes } from '../../../../../connectors/s3-sink/format/parquet/column/held-bytes.ts'
import type { Leaf } from '../../../../../connectors/s3-sink/format/parquet/schema/parquet-types.ts'
import {
  appendValue,
  metadataOf,
  parquetFile,
  parquetFormat,
  parquetRows,
  parquetWriter,
} from '../../../../support/parquet/parquet-file.ts'

const int = primitive('INT32')

function containing(itself: (schema: Schema) => Schema): Schema {
  const fields: Schema['fields'][number][] = []
  const node: Schema = { ...struct([]), name: 'Node', fields }
  fields.push({ name: 'value', index: 0, schema: int }, { name: 'next', index: 1, schema: itself(node) })
  return node
}

const decimal = (parameters: Record<string, string>): Schema =>
  struct([['price', primitive('BYTES', { name: Logical.decimal, parameters })]])

function nested(levels: number): Schema {
  let schema: Schema = int
  for (let i = 0; i < levels; i += 1) schema = struct([['in', schema]])
  return schema
}

/** A struct of 2^levels columns. */
function doubled(levels: number): Schema {
  let schema: Schema = int
  for (let i = 0; i < levels; i += 1)
    schema = struct([
      ['one', schema],
      ['two', schema],
    ])
  return schema
}

describe('a schema that Parquet does not have', () => {
  it.each<[string, Schema | null, RegExp]>([
    ['none', null, /got a value without a schema/],
    ['text', primitive('STRING'), /got a value of type STRING/],
    ['an array', arrayOf(nested(1)), /got a value of type ARRAY/],
    ['a struct without fields', struct([]), /structs without fields/],
    ['one inside', struct([['a', arrayOf(struct([]))]]), /structs without fields: "a\[\]"/],
    ['one that contains itself', containing((node) => ({ ...node, optional: true })), /contain themselves: "next"/],
    ['one with a list of itself', containing((node) => arrayOf(node)), /contain themselves: "next\[\]"/],
    [
      'one with a map of itself',
      containing((node) => mapOf(primitive('STRING'), node)),
      /contain themselves: "next\{\}"/,
    ],
    ['one with too many columns', doubled(14), /at most 10000 columns/],
    ['one with too many, by far', doubled(200), /at most 100 levels/],
    ['one that is too deep', nested(101), /at most 100 levels/],
    ['a name that is no text', struct([['\ud800', int]]), /surrogate/],
    ['a decimal without a scale', decimal({}), /the parameter scale is missing: "price"/],
    ['a decimal with a strange scale', decimal({ scale: 'two' }), /the parameter scale is two/],
    [
      'a decimal without digits',
      decimal({ scale: '0', 'connect.decimal.precision': '0' }),
      /connect.decimal.precision is 0/,
    ],
    ['a huge decimal', decimal({ scale: '0', 'connect.decimal.precision': '1e9' }), /connect.decimal.precision is 1e9/],
    [
      'a decimal of many bytes',
      decimal({ scale: '0', 'connect.fixed.size': '1025' }),
      /connect.fixed.size is 1025: "price"/,
    ],
    [
      'bytes of length 0',
      struct([['id', primitive('BYTES', { name: 'Id', parameters: { 'connect.fixed.size': '0' } })]]),
      /connect.fixed.size is 0: "id"/,
    ],
  ])('is refused: %s', (_what, schema, message) => {
    const format = parquetFormat()
    for (const _again of [1, 2]) {
      expect(() => format.begin(schema)).toThrow(DataError)
      expect(() => format.begin(schema)).toThrow(message)
    }
  })
})

describe('a schema', () => {
  it('may have a part in many places, and 100 levels', async () => {
    const part = struct([['a', int]], { optional: true })
    const schema = struct([
      ['one', part],
      ['two', arrayOf(part)],
      ['three', part],
    ])
    expect(await parquetRows(parquetFile(schema, [[[1], [[2]], null]]))).toEqual([[{ a: 1 }, [{ a: 2 }], undefined]])
    expect(metadataOf(parquetFile(nested(100), [])).schema).toHaveLength(101)
  })

  it('has its name in the file, and its fields under theirs', () => {
    const names = ['', '__proto__', 'constructor', 'a.b', 'größe', 'two words']
    const schema = struct(
      names.map((name) => [name, int]),
      { name: 'shop.public.orders.Value', optional: true },
    )
    const { schema: elements, created_by: by } = metadataOf(parquetFile(schema, [names.map((_, i) => i)]))
    expect(elements.map(({ name }) => name)).toEqual(['shop.public.orders.Value', ...names])
    expect(by).toMatch(/^penstock version \d+\.\d+\.\d+ \(build [^)]+\)$/)
    expect(metadataOf(parquetFile(struct([['a', int]]), [])).schema[0]?.name).toBe('ConnectDefault')
  })

  it('of a value that is null is refused with the record, if it has no default', () => {
    const writer = parquetWriter(struct([['a', struct([['b', int]])]], { optional: true }))
    expect(() => appendValue(writer, null)).toThrow(DataError)
    expect(() => appendValue(writer, [null])).toThrow(/null value for a field that is required.*"a"/)
    expect(() => appendValue(writer, [[null]])).toThrow(/"a\.b"/)
  })

  it('bounds decimals and fixed bytes', () => {
    const price = parquetWriter(decimal({ scale: '2', 'connect.decimal.precision': '4' }))
    for (const good of ['99.99', '-99.99', '0.00', '1.5']) appendValue(price, [good])
    for (const bad of ['100.00', '-100.00', '123456789012345678901234567890.00']) {
      expect(() => appendValue(price, [bad])).toThrow(/has more digits than DECIMAL\(4, 2\): "price"/)
    }
    expect(() => appendValue(price, ['0.001'])).toThrow(/mismatching scale/)
    expect(() => appendValue(price, ['NaN'])).toThrow(/Not a decimal/)
    const large = parquetWriter(decimal({ scale: '0', 'connect.decimal.precision': '40' }))
    appendValue(large, ['9'.repeat(40)])
    expect(() => appendValue(large, [`-1${'0'.repeat(40)}`])).toThrow(/more digits/)
    expect(() => appendValue(large, ['1.5'])).toThrow(/mismatching scale/)
    const id = parquetWriter(
      struct([['id', primitive('BYTES', { name: 'Id', parameters: { 'connect.fixed.size': '3' } })]]),
    )
    appendValue(id, [Buffer.from('abc')])
    expect(() => appendValue(id, [Buffer.from('abcd')])).toThrow('"id" has 4 bytes, its schema says 3')
  })
})

describe('decimals', () => {
  it.each([
    [1, 'FIXED_LEN_BYTE_ARRAY', 1],
    [9, 'FIXED_LEN_BYTE_ARRAY', 4],
    [18, 'FIXED_LEN_BYTE_ARRAY', 8],
    [19, 'FIXED_LEN_BYTE_ARRAY', 9],
    [38, 'FIXED_LEN_BYTE_ARRAY', 16],
    [76, 'FIXED_LEN_BYTE_ARRAY', 32],
    [100, 'BYTE_ARRAY', undefined],
  ])('of %i digits are %s', async (precision, type, length) => {
    const schema = decimal({ scale: '0', 'connect.decimal.precision': String(precision) })
    const most = '9'.repeat(precision)
    const texts = ['0', most, '5', `-${most}`, '-5', '7']
    const file = parquetFile(
      schema,
      texts.map((text) => [text]),
    )
    const { schema: elements, row_groups: groups } = metadataOf(file)
    expect(elements[1]).toMatchObject({ type, type_length: length, precision, scale: 0, converted_type: 'DECIMAL' })
    expect((await parquetRows(file)).map(([value]) => Number(value).toPrecision(8))).toEqual(
      texts.map((text) => Number(text).toPrecision(8)),
    )
    if (length === undefined) return
    const { min_value: min, max_value: max } = groups[0]?.columns[0]?.meta_data?.statistics ?? {}
    expect([min, max].map((bound) => Number(bound).toPrecision(8))).toEqual(
      [`-${most}`, most].map((text) => Number(text).toPrecision(8)),
    )
  })

  it('of variable length have bounds in the order of their numbers', () => {
    const order = ['-1000', '-129', '-128', '-1', '0', '1', '127', '128', '300', '65536']
    const path = ['c']
    const leaf: Leaf = { path, type: 'byteArray', width: 0, order: 'decimals', maxDefinition: 0, maxRepetition: 0 }
    for (const texts of [order, order.toReversed(), [...order.slice(5), ...order.slice(0, 5)]]) {
      for (let count = 1; count <= texts.length; count += 1) {
        const stage = new ColumnStage(leaf, new HeldBytes())
        const some = texts.slice(0, count)
        for (const text of some) stage.putBytes(decimalToBytes(text, 0))
        const statistics = new ByteStatistics(leaf)
        statistics.observe(stage)
        const { min, max } = present(statistics.bounds(), 'bounds')
        const sorted = some.toSorted((one, other) => Number(one) - Number(other))
        expect([decimalFromBytes(min, 0), decimalFromBytes(max, 0)]).toEqual([sorted[0], sorted.at(-1)])
      }
    }
  })
})

describe('the name of an object', () => {
  it.each([
    ['none', '.parquet'],
    ['snappy', '.snappy.parquet'],
    ['gzip', '.gz.parquet'],
    ['zstd', '.zstd.parquet'],
  ] as const)('ends as in Confluent’s sink: %s', (codec, extension) => {
    expect(parquetFormat({ codec })).toMatchObject({ extension, compressible: false })
  })
})
