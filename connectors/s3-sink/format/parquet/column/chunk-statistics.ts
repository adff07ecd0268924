import type { ColumnStage } from './column-stage.ts'
import type { Bounds } from '../schema/parquet-types.ts'

/** Finds the bounds of the values of a column chunk. */
export interface Statistics {
  /** Takes the values of a stage into account. */
  observe(stage: ColumnStage): void
  /** Null: there are no values, or the bounds would not be true of all readers. */
  bounds(): Bounds | null
  /** How many values are NaN; null where they are no floating-point numbers. */
  readonly nanCount: number | null
}
