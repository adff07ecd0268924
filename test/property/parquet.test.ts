import fc from 'fast-check'
import { Logical, primitive, struct, type ConnectValue, type Schema } from 'penstock/api'
import { expect, it } from 'vitest'

import { appendValue, bytesOf, parquetRows, parquetWriter } from '../support/parquet/parquet-file.ts'
import { tables } from '../support/parquet/parquet-values.ts'

// Nested values are read by pyarrow and DuckDB, in test/integration/s3.
const table = tables(0, 40).filter(({ rows }) => rows.length > 0)
const codec = fc.constantFrom('none', 'snappy', 'gzip', 'zstd' as const)

it('reads as it was written, whatever ends the row groups, and whatever failed in between', async () => {
  await fc.assert(
    fc.asyncProperty(
      table,
      codec,
      fc.nat({ max: 400 }),
      fc.array(fc.nat({ max: 2000 }), { maxLength: 3 }),
      async (one, name, times, ends) => {
        // The last column fails: those before it already have a part of the record.
        const schema = struct([
          ...one.schema.fields.map((field) => [field.name, field.schema] as const),
          ['last', flag],
        ])
        const writer = parquetWriter(schema, { codec: name, rowGroupBytes: 64 * 1024 })
        const pieces: Buffer[] = []
        const expected: unknown[][] = []
        for (let i = 0; i < times; i += 1) {
          const row = one.rows[i % one.rows.length] ?? []
          expect(() => appendValue(writer, [...row, 'no boolean'])).toThrow('last')
          appendValue(writer, [...row, true])
          expected.push([...row.map((value, at) => readAs(schema.fields[at]?.schema ?? flag, value)), true])
          if (writer.isFull || ends.includes(i)) pieces.push(bytesOf(writer.drain()))
        }
        pieces.push(bytesOf(writer.finish()))
        const found = await parquetRows(Buffer.concat(pieces))
        expect(found.map((row) => row.map((value, at) => foundAs(schema.fields[at]?.schema ?? flag, value)))).toEqual(
          expected,
        )
      },
    ),
    { numRuns: 80 },
  )
})

const flag = primitive('BOOLEAN')

/** hyparquet reads decimals as floating-point numbers, whose last digits differ. */
function readAs({ type, name }: Schema, value: ConnectValue): unknown {
  if (value === null) return null
  if (name === Logical.decimal) return Number(value).toPrecision(10)
  if (value instanceof Uint8Array) return Uint8Array.from(value)
  if (type === 'INT64') return BigInt(String(value))
  return type === 'FLOAT32' ? Math.fround(Number(value)) : value
}

function foundAs({ name }: Schema, value: unknown): unknown {
  if (value instanceof Uint8Array) return Uint8Array.from(value)
  return name === Logical.decimal && typeof value === 'number' ? value.toPrecision(10) : (value ?? null)
}
