import { fileURLToPath } from 'node:url'

import { arrayOf, DataError, mapOf, primitive, struct, type ConnectValue, type Schema } from 'penstock/api'
import { describe, expect, it } from 'vitest'

import { run } from '../../../../../src/servers/process/command.ts'
import {
  appendValue,
  bytesOf,
  metadataOf,
  parquetFile,
  parquetRows,
  parquetWriter,
} from '../../../../support/parquet/parquet-file.ts'

const optional = { optional: true }
const text = primitive('STRING', optional)
const flat = struct([
  ['id', primitive('INT64')],
  ['name', text],
  ['price', primitive('FLOAT64', optional)],
  ['paid', primitive('BOOLEAN', optional)],
  ['day', primitive('INT32', optional)],
])

function flatRow(i: number): ConnectValue[] {
  return i % 5 === 0 ? [i, null, null, null, null] : [i, `name ${i % 50}`, i / 3, i % 2 === 0, -i]
}

const rowsOf = (count: number): ConnectValue[][] => Array.from({ length: count }, (_, i) => flatRow(i))
const read = (rows: readonly ConnectValue[][]): unknown[][] =>
  rows.map(([id, ...rest]) => [BigInt(Number(id)), ...rest])

describe('a Parquet file', () => {
  it.each(['none', 'snappy', 'gzip', 'zstd'] as const)('has the values in pages and row groups (%s)', async (codec) => {
    const rows = rowsOf(30_000)
    const file = parquetFile(flat, rows, { codec, rowGroupBytes: 256 * 1024 })
    expect(await parquetRows(file)).toEqual(read(rows))
    const { row_groups: groups, num_rows: count } = metadataOf(file)
    expect(groups.length).toBeGreaterThan(1)
    expect(count).toBe(30_000n)
    expect(groups.reduce((sum, group) => sum + group.num_rows, 0n)).toBe(30_000n)
  })

  it('of no records has a schema', async () => {
    const file = bytesOf(parquetWriter(flat).finish())
    expect(metadataOf(file)).toMatchObject({ num_rows: 0n, row_groups: [] })
    expect(await parquetRows(file)).toEqual([])
  })

  it('tells null from an empty list or map, and what is in them from nothing', async () => {
    const schema = struct([
      ['tags', arrayOf(text, optional)],
      ['sizes', mapOf(primitive('STRING'), primitive('INT32', optional), optional)],
      ['place', struct([['city', text]], optional)],
    ])
    const rows: ConnectValue[][] = [
      [null, null, null],
      [[], new Map(), [null]],
      [[null], new Map([['a', null]]), ['Bonn']],
      [
        ['x', null, ''],
        new Map([
          ['a', 1],
          ['', 2],
        ]),
        [''],
      ],
    ]
    const places = [undefined, { city: null }, { city: 'Bonn' }, { city: '' }]
    const found = await parquetRows(parquetFile(schema, rows))
    expect(found.map(([tags]) => tags)).toEqual([undefined, [], [null], ['x', null, '']])
    expect(found.map(([, sizes]) => sizes)).toEqual([undefined, {}, { a: null }, { a: 1, '': 2 }])
    expect(found.map(([, , place]) => place)).toEqual(places)
  })

  it('has the default of a field that is null', async () => {
    const schema = struct([
      ['level', primitive('INT32', { defaultValue: 7 })],
      ['note', primitive('STRING', { ...optional, defaultValue: 'none' })],
    ])
    expect(
      await parquetRows(
        parquetFile(schema, [
          [null, null],
          [1, 'x'],
        ]),
      ),
    ).toEqual([
      [7, 'none'],
      [1, 'x'],
    ])
  })

  it('has integers of 64 bits without a loss, and the others up to their limits', async () => {
    const schema = struct([
      ['tiny', primitive('INT8')],
      ['short', primitive('INT16')],
      ['int', primitive('INT32')],
      ['long', primitive('INT64')],
    ])
    const rows: ConnectValue[][] = [
      [-128, -32_768, -2_147_483_648, -(2n ** 63n)],
      [127, 32_767, 2_147_483_647, 2n ** 63n - 1n],
      [-1, -1n, -0, -1],
      [0, 0, 0, Number.MIN_SAFE_INTEGER],
      [1, 1, 1, 2 ** 60],
    ]
    const expected = rows.map((row) => [
      ...row.slice(0, 3).map((value) => Number(value) + 0),
      BigInt(Number(row[3]) === row[3] ? row[3] : (row[3] as bigint)),
    ])
    expect(await parquetRows(parquetFile(schema, rows))).toEqual(expected)
  })

  it.each([
    ['INT8', 128],
    ['INT16', -32_769],
    ['INT32', 2_147_483_648],
    ['INT64', 2n ** 63n],
    ['INT64', -(2n ** 63n) - 1n],
    ['INT64', 1.5],
    ['INT32', NaN],
    ['INT32', '1'],
    ['FLOAT64', '1'],
    ['FLOAT32', 1n],
    ['BOOLEAN', 1],
    ['STRING', 1],
    ['BYTES', 'x'],
  ] as const)('does not take %s %s', (type, value) => {
    const schema = struct([['nested', struct([['field', primitive(type)]])]])
    expect(() => appendValue(parquetWriter(schema), [[value]])).toThrow(/nested\.field/)
    expect(() => appendValue(parquetWriter(schema), [[value]])).toThrow(DataError)
  })

  it('refuses half of a surrogate pair, and takes a whole one', async () => {
    const schema = struct([['text', primitive('STRING')]])
    const writer = parquetWriter(schema)
    expect(() => appendValue(writer, ['\ud83d'])).toThrow(/surrogate/)
    appendValue(writer, ['\ud83d\ude00'])
    expect(await parquetRows(bytesOf(writer.finish()))).toEqual([['😀']])
  })
})

describe('a record that fails', () => {
  const schema = struct([
    ['a', primitive('INT64')],
    ['b', text],
    [
      'c',
      arrayOf(
        struct([
          ['d', primitive('INT32', optional)],
          ['e', arrayOf(text, optional)],
        ]),
        optional,
      ),
    ],
    ['f', primitive('INT32', optional)],
    ['g', primitive('BOOLEAN')],
    ['h', primitive('INT32')],
    ['i', primitive('INT32')],
  ])
  const good = (i: number): ConnectValue => [
    i,
    `b${i}`,
    [
      [1, ['x', null]],
      [null, null],
      [3, []],
    ],
    null,
    true,
    i,
    i,
  ]
  const bad = [
    [
      1,
      'b',
      [
        [1, ['x']],
        [2, ['y', 7]],
      ],
      1,
      true,
      1,
      1,
    ],
    [1, 'b', null, 1, true, 1, 'seventh'],
    [1, 'b', [[1, ['long'.repeat(50_000)]]], 1, null, 1, 1],
    [2n ** 70n, 'b', [], 1, true, 1, 1],
    [1, 'b', new Map(), 1, true, 1, 1],
    null,
    'text',
  ] as ConnectValue[]

  it('leaves nothing in any column, wherever it is in a page', () => {
    const [clean, mixed] = [parquetWriter(schema), parquetWriter(schema)]
    const files: [Buffer[], Buffer[]] = [[], []]
    for (let i = 0; i < 3000; i += 1) {
      const value = good(i)
      appendValue(clean, value)
      expect(() => appendValue(mixed, bad[i % bad.length] ?? null)).toThrow(DataError)
      appendValue(mixed, value)
      if (i % 1000 === 999) {
        files[0].push(bytesOf(clean.drain()))
        files[1].push(bytesOf(mixed.drain()))
      }
    }
    const [expected, found] = [
      Buffer.concat([...files[0], bytesOf(clean.finish())]),
      Buffer.concat([...files[1], bytesOf(mixed.finish())]),
    ]
    expect(found.equals(expected)).toBe(true)
  })
})

describe('the memory of a file', () => {
  const settings = { codec: 'zstd', rowGroupBytes: 512 * 1024 } as const

  it('is bounded by the row group, and free after it', () => {
    const writer = parquetWriter(flat, settings)
    const begun = writer.held
    let largest = 0
    for (let i = 0; i < 100_000; i += 1) {
      appendValue(writer, flatRow(i))
      largest = Math.max(largest, writer.held)
      if (!writer.isFull) continue
      expect(writer.held).toBeGreaterThanOrEqual(settings.rowGroupBytes)
      bytesOf(writer.drain())
      expect(writer.isFull).toBe(false)
      expect(writer.held).toBeLessThan(begun + 16 * 1024)
    }
    expect(largest).toBeLessThan(begun + settings.rowGroupBytes + 256 * 1024)
    writer.finish()
    expect(writer.held).toBe(0)
  })

  it.each([
    [2000, 1],
    [2000, 100],
    [20, 20_000],
  ])('is what %i files have, each of %i records', async (files, records) => {
    const program = fileURLToPath(new URL('../../../../support/parquet/memory-of-writers.ts', import.meta.url))
    const output = await run(process.execPath, [program, String(files), String(records)])
    const { held, grown } = JSON.parse(output) as { held: number; grown: number }
    expect(held).toBeGreaterThan(grown * 0.95)
    expect(held).toBeLessThan(grown * 1.6)
  })

  it('is small at first, also of 2000 columns', () => {
    const fields = Array.from({ length: 2000 }, (_, i): [string, Schema] => [`column ${i}`, text])
    const writer = parquetWriter(struct(fields), settings)
    appendValue(
      writer,
      fields.map(([name]) => name),
    )
    expect(writer.held).toBeLessThan(2000 * 1200)
  })

  it('has large values, and gives their memory back with their page, before the next record', async () => {
    const schema = struct([['text', text]])
    const writer = parquetWriter(schema, settings)
    const large = 'ü'.repeat(1024 * 1024)
    expect(appendValue(writer, [large])).toBeGreaterThanOrEqual(2 * 1024 * 1024)
    appendValue(writer, ['small'])
    expect(writer.held).toBeLessThan(64 * 1024)
    expect(await parquetRows(bytesOf(writer.finish()))).toEqual([[large], ['small']])
  })

  it('has the levels of columns that are always null', () => {
    const schema = struct(Array.from({ length: 10 }, (_, i): [string, Schema] => [`c${i}`, text]))
    const nothing = schema.fields.map(() => null)
    const writer = parquetWriter(schema, settings)
    for (let i = 0; i < 1_000_000; i += 1) appendValue(writer, nothing)
    expect(writer.held).toBeLessThan(2 * 1024 * 1024)
    expect(bytesOf(writer.finish()).length).toBeLessThan(16 * 1024)
  })
})
