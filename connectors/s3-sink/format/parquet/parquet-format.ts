import { DataError, type Schema } from 'penstock/api'

import type { FormatWriter, ObjectFormat } from '../object-format.ts'
import { pageScratch, ParquetWriter, type ParquetSettings } from './parquet-writer.ts'
import { parquetPlan, type ParquetPlan } from './schema/parquet-plan.ts'

/** Writes Parquet files, with the schemas of Confluent's connector. */
export class ParquetFormat implements ObjectFormat {
  readonly extension: string
  readonly contentType = 'application/vnd.apache.parquet'
  readonly compressible = false
  readonly #settings: ParquetSettings
  /** A DataError: the schema is refused. */
  readonly #plans = new WeakMap<Schema, ParquetPlan | DataError>()

  constructor({ codec, rowGroupBytes }: Omit<ParquetSettings, 'scratch'>) {
    this.#settings = { codec, rowGroupBytes, scratch: pageScratch() }
    this.extension = `${codec.suffix}.parquet`
  }

  /** @throws DataError when Parquet has no such schema. */
  begin(schema: Schema | null): FormatWriter {
    return new ParquetWriter(this.#planOf(schema), this.#settings)
  }

  #planOf(schema: Schema | null): ParquetPlan {
    const known = schema === null ? undefined : this.#plans.get(schema)
    const plan = known ?? planOrError(schema)
    if (known === undefined && schema !== null) this.#plans.set(schema, plan)
    if (plan instanceof DataError) throw plan
    return plan
  }
}

function planOrError(schema: Schema | null): ParquetPlan | DataError {
  try {
    return parquetPlan(schema)
  } catch (error) {
    if (error instanceof DataError) return error
    throw error
  }
}
