import fc from 'fast-check'
import { arrayOf, decimalTextOf, Logical, mapOf, primitive, struct, type ConnectValue, type Schema } from 'penstock/api'
import { expect, it } from 'vitest'

import { parquetFile, type ParquetOptions } from '../../support/parquet/parquet-file.ts'
import { readAs, readFiles, type FileAsRead } from '../../support/parquet/parquet-readers.ts'
import { tables } from '../../support/parquet/parquet-values.ts'
import { describeWith, service } from '../../support/services.ts'

const optional = { optional: true }
const codecs = ['none', 'snappy', 'gzip', 'zstd'] as const

interface Table {
  readonly schema: Schema
  readonly rows: readonly ConnectValue[][]
}

describeWith(['parquet_readers'], 'pyarrow and DuckDB', () => {
  async function readTables(
    list: readonly Table[],
    options: Partial<ParquetOptions> = {},
  ): Promise<readonly FileAsRead[]> {
    const files = list.map(({ schema, rows }, i) =>
      parquetFile(schema, rows, { codec: codecs[i % codecs.length] ?? 'none', ...options }),
    )
    return await readFiles(service('parquet_readers'), files)
  }

  async function expectRead(list: readonly Table[], options: Partial<ParquetOptions> = {}): Promise<void> {
    const found = await readTables(list, options)
    list.forEach(({ schema, rows }, i) => {
      const expected = rows.map((row) => readAs(schema, row))
      expect(found[i]?.pyarrow).toEqual(expected)
      expect(found[i]?.duckdb).toEqual(expected)
      expect(found[i]?.faultyStatistics).toEqual([])
    })
  }

  it('read the values of any schema', async () => {
    await expectRead(fc.sample(tables(3, 12), { numRuns: 150, seed: 20_261_130 }))
  })

  it('read pages and row groups of repeated and of different values', async () => {
    const schema = struct([
      ['number', primitive('INT64')],
      ['few', primitive('STRING', optional)],
      ['more', primitive('STRING', optional)],
      ['price', decimalOf(12, 2)],
      ['fewNumbers', primitive('INT32', optional)],
      ['flag', primitive('BOOLEAN', optional)],
      ['share', primitive('FLOAT64', optional)],
      ['tags', arrayOf(primitive('STRING', optional), optional)],
    ])
    // The values of "more" repeat at first: its dictionary is full within a row group.
    const rows = Array.from({ length: 40_000 }, (_, i): ConnectValue[] => [
      i % 3 === 0 ? -(2n ** 63n) + BigInt(i) : i,
      i % 4 === 0 ? null : `few ${i % 100}`,
      i < 20_000 ? `more ${i % 2000}` : `more ${i}`,
      decimalTextOf(BigInt(i - 20_000), 2),
      i % 7 === 0 ? null : i % 11,
      i % 13 === 0 ? null : i % 3 === 0,
      i / 8,
      i % 5 === 0 ? null : Array.from({ length: i % 4 }, (_item, at) => (at === 2 ? null : `tag ${i % 50}`)),
    ])
    await expectRead(
      [
        { schema, rows },
        { schema, rows },
      ],
      { rowGroupBytes: 1024 * 1024 },
    )
  })

  it('read 2000 columns, deep structs and lists, and names as they are', async () => {
    const names = ['a.b', '__proto__', 'constructor', 'größe', 'two words', '"', 'é'.repeat(500), '1']
    const wide = struct(Array.from({ length: 2000 }, (_, i) => [`c${i}`, primitive('INT32', optional)] as const))
    let deep: Table = { schema: primitive('INT32', optional), rows: [[7], [null]] }
    for (let level = 0; level < 30; level += 1) {
      const { schema, rows } = deep
      deep =
        level % 3 === 0
          ? { schema: arrayOf(schema, optional), rows: [...rows.map(([value]) => [[value ?? null, null]]), [[]]] }
          : { schema: struct([['in', schema]], optional), rows: [...rows.map(([value]) => [[value ?? null]]), [null]] }
    }
    await expectRead([
      { schema: wide, rows: [wide.fields.map((_, i) => i), wide.fields.map(() => null)] },
      { schema: struct([['top', deep.schema]]), rows: deep.rows },
      { schema: struct(names.map((name) => [name, primitive('STRING')])), rows: [names, names] },
    ])
  })

  it('read decimals of up to 38 digits, and pyarrow those of up to 76', async () => {
    const small = struct([
      ['most', decimalOf(38, 0)],
      ['fraction', decimalOf(5, 10)],
      ['tens', decimalOf(4, -3)],
      [
        'fixed',
        primitive('BYTES', {
          name: Logical.decimal,
          parameters: { scale: '2', 'connect.decimal.precision': '9', 'connect.fixed.size': '5' },
        }),
      ],
    ])
    const nines = '9'.repeat(38)
    const rows = [
      [nines, '0.0000099999', '9999000', '-9999999.99'],
      [`-${nines}`, '-0.0000000001', '-1000', '0.00'],
      ['0', '0.0000000000', '0', '1.28'],
    ]
    const unsaid = primitive('BYTES', { name: Logical.decimal, parameters: { scale: '4' } })
    const large = struct([
      ['wide', decimalOf(76, 4)],
      ['unsaid', unsaid],
    ])
    const digits = `${'9'.repeat(72)}.9999`
    await expectRead([{ schema: small, rows }])
    const wide = [digits, '-0.0001', '0.0000'].map((text) => [text, '-1.5000'])
    const [found] = await readTables([{ schema: large, rows: wide }])
    expect(found?.schema).toContain('unsaid (Decimal(precision=38, scale=4))')
    expect(found?.pyarrow).toEqual(wide.map((row) => readAs(large, row)))
    expect(found?.faultyStatistics).toEqual([])
  })

  it('read no bounds where readers differ in their order, or the values are long', async () => {
    const schema = struct([
      ['nan', primitive('FLOAT64', optional)],
      ['zeros', primitive('FLOAT32')],
      ['null', primitive('INT32', optional)],
      ['long', primitive('STRING')],
      ['short', primitive('STRING')],
    ])
    const rows = [
      [NaN, -0, null, 'x'.repeat(257), 'é'],
      [1, 0, null, 'a', 'z'],
    ]
    const [found] = await readTables([{ schema, rows }])
    expect(found?.bounded).toEqual([[1, 4]])
    expect(found?.faultyStatistics).toEqual([])
    expect(found?.pyarrow).toEqual(rows.map((row) => readAs(schema, row)))
  })

  it('read the columns of Confluent', async () => {
    const schema = struct(
      [
        ['date', primitive('INT32', { ...optional, name: Logical.date })],
        ['time', primitive('INT32', { name: Logical.time })],
        ['timestamp', primitive('INT64', { name: Logical.timestamp })],
        ['micros', primitive('INT64', { name: 'io.debezium.time.MicroTimestamp' })],
        ['small', primitive('INT16')],
        ['price', decimalOf(12, 2)],
        ['enum', primitive('STRING', { parameters: { 'io.confluent.connect.avro.Enum': 'shop.Size' } })],
        ['fixed', primitive('BYTES', { name: 'shop.Id', parameters: { 'connect.fixed.size': '3' } })],
        ['list', arrayOf(primitive('INT32'))],
        ['map', mapOf(primitive('STRING'), primitive('INT32', optional))],
        ['entries', mapOf(primitive('INT32'), primitive('INT32'), optional)],
        [
          'union',
          struct(
            [
              ['string', primitive('STRING', optional)],
              ['int', primitive('INT32', optional)],
            ],
            { ...optional, name: 'io.confluent.connect.avro.Union' },
          ),
        ],
      ],
      { name: 'shop.public.orders.Value' },
    )
    const rows = [
      [1, 2, 3, 4, 5, '-3.50', 'S', Buffer.from('abc'), [1], new Map([['a', null]]), new Map([[1, 2]]), ['x', null]],
    ]
    const [found] = await readTables([{ schema, rows }])
    expect(found?.schema.replaceAll(' field_id=-1', '').trim()).toBe(confluentSchema)
    expect(found?.duckdb).toEqual(rows.map((row) => readAs(schema, row)))
  })
})

function decimalOf(precision: number, scale: number): Schema {
  const parameters = { scale: String(scale), 'connect.decimal.precision': String(precision) }
  return primitive('BYTES', { ...optional, name: Logical.decimal, parameters })
}

/** What parquet-avro makes of the schema of Confluent's AvroData, but for the levels of lists and the length of decimals. */
const confluentSchema = `required group shop.public.orders.Value {
  optional int32 date (Date);
  required int32 time (Time(isAdjustedToUTC=true, timeUnit=milliseconds));
  required int64 timestamp (Timestamp(isAdjustedToUTC=true, timeUnit=milliseconds, is_from_converted_type=false, force_set_converted_type=false));
  required int64 micros;
  required int32 small;
  optional fixed_len_byte_array(6) price (Decimal(precision=12, scale=2));
  required binary enum (Enum);
  required fixed_len_byte_array(3) fixed;
  required group list (List) {
    repeated group list {
      required int32 element;
    }
  }
  required group map (Map) {
    repeated group key_value {
      required binary key (String);
      optional int32 value;
    }
  }
  optional group entries (List) {
    repeated group list {
      required group element {
        required int32 key;
        required int32 value;
      }
    }
  }
  optional group union {
    optional binary member0 (String);
    optional int32 member1;
  }
}`
