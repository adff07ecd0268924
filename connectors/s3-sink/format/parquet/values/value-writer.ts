import { atPath, DataError, type ConnectValue, type Schema } from 'penstock/api'

import type { ColumnStage } from '../column/column-stage.ts'

/** Where a value is in its record. */
export interface Place {
  readonly schema: Schema
  /** For messages: `after.items[].price`. */
  readonly path: string
  readonly optional: boolean
  /** Written where a value is null; null: there is no default. */
  readonly instead: ConnectValue
  /** The definition level of a value that is present. */
  readonly definition: number
}

/**
 * Writes the values of one place of a schema into the columns below it. A column gets one level for each value, and one where a
 * value is absent, or something around it: the Dremel paper's record shredding, as in Parquet's format.
 */
export abstract class ValueWriter {
  protected readonly place: Place

  constructor(place: Place) {
    this.place = place
  }

  /**
   * Writes a value or its absence. Returns the number of bytes, with one for each level.
   * @param repetition of the first value: the level of the list that it continues; 0 begins a record.
   * @throws DataError when it does not fit the schema; columns then have a part of it.
   */
  abstract write(stages: readonly ColumnStage[], value: ConnectValue | undefined, repetition: number): number

  /** Writes that there is nothing at a definition level. Returns the number of levels. */
  abstract absent(stages: readonly ColumnStage[], repetition: number, definition: number): number

  /** Writes that there is no value, or the default. */
  protected missing(stages: readonly ColumnStage[], repetition: number): number {
    const { instead, optional, definition, path } = this.place
    if (instead !== null) return this.write(stages, instead, repetition)
    if (optional) return this.absent(stages, repetition, definition - 1)
    throw new DataError(`null value for a field that is required and has no default value${atPath(path)}`)
  }
}
