import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { isArray, isMap, keySchemaOf, Logical, valueSchemaOf, type ConnectValue, type Schema } from 'penstock/api'

import { run } from '../../../src/servers/process/command.ts'

const program = fileURLToPath(new URL('read_parquet.py', import.meta.url))

/** What pyarrow and DuckDB find in a file. The values are as {@link readAs} writes them. */
export interface FileAsRead {
  /** The schema as pyarrow shows it. */
  readonly schema: string
  readonly pyarrow: readonly (readonly unknown[])[]
  readonly duckdb: readonly (readonly unknown[])[]
  /** Of each row group the columns with a minimum and a maximum. */
  readonly bounded: readonly (readonly number[])[]
  /** Statistics that differ from the values, with both. */
  readonly faultyStatistics: readonly unknown[]
}

/**
 * Reads files with pyarrow and DuckDB.
 * @param directory of the service `parquet_readers`
 */
export async function readFiles(directory: string, files: readonly Buffer[]): Promise<readonly FileAsRead[]> {
  const place = mkdtempSync(join(tmpdir(), 'penstock-parquet-'))
  try {
    const names = files.map((file, i) => {
      const name = join(place, `${i}.parquet`)
      writeFileSync(name, file)
      return name
    })
    const output = join(place, 'output')
    const options = { env: { PYTHONPATH: directory }, signal: AbortSignal.timeout(600_000) }
    await run('python3', [program, output, ...names], options)
    return readFileSync(output, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as FileAsRead)
  } finally {
    rmSync(place, { recursive: true, force: true })
  }
}

/** Returns what the readers return for a value. */
export function readAs(schema: Schema, value: ConnectValue): unknown {
  if (value === null) return schema.defaultValue === undefined ? null : readAs(schema, schema.defaultValue)
  switch (schema.type) {
    case 'BOOLEAN':
      return value
    case 'STRING':
      return `s:${String(value)}`
    case 'FLOAT32':
      return bitsOf(Math.fround(Number(value)))
    case 'FLOAT64':
      return bitsOf(Number(value))
    case 'BYTES':
      return schema.name === Logical.decimal
        ? `d:${String(value)}`
        : `x:${Buffer.from(value as Uint8Array).toString('hex')}`
    case 'ARRAY':
      return isArray(value) ? value.map((item) => readAs(valueSchemaOf(schema), item)) : value
    case 'MAP':
      return isMap(value)
        ? [...value].map(([key, item]) => [readAs(keySchemaOf(schema), key), readAs(valueSchemaOf(schema), item)])
        : value
    case 'STRUCT':
      return schema.fields.map((field, i) => readAs(field.schema, isArray(value) ? (value[i] ?? null) : null))
    default:
      return String(value)
  }
}

function bitsOf(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleBE(value)
  return bytes.toString('hex')
}
