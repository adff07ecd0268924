import { isArray, isMap, misfit, type ConnectValue } from 'penstock/api'

import type { ColumnStage } from '../column/column-stage.ts'
import { ValueWriter, type Place } from './value-writer.ts'

type Stages = readonly ColumnStage[]

/** A STRUCT: its fields are columns or groups. */
export class StructWriter extends ValueWriter {
  readonly #fields: readonly ValueWriter[]

  constructor(place: Place, fields: readonly ValueWriter[]) {
    super(place)
    this.#fields = fields
  }

  write(stages: Stages, value: ConnectValue | undefined, repetition: number): number {
    if (value === null || value === undefined) return this.missing(stages, repetition)
    if (!isArray(value)) misfit(this.place.schema, this.place.path, value)
    const fields = this.#fields
    let bytes = 0
    for (let i = 0; i < fields.length; i += 1) bytes += (fields[i] as ValueWriter).write(stages, value[i], repetition)
    return bytes
  }

  absent(stages: Stages, repetition: number, definition: number): number {
    let levels = 0
    for (const field of this.#fields) levels += field.absent(stages, repetition, definition)
    return levels
  }
}

/** An ARRAY. */
export class ListWriter extends ValueWriter {
  readonly #item: ValueWriter
  readonly #repetition: number

  /** @param repetition the level of an item after the first one. */
  constructor(place: Place, item: ValueWriter, repetition: number) {
    super(place)
    this.#item = item
    this.#repetition = repetition
  }

  write(stages: Stages, value: ConnectValue | undefined, repetition: number): number {
    if (value === null || value === undefined) return this.missing(stages, repetition)
    if (!isArray(value)) misfit(this.place.schema, this.place.path, value)
    if (value.length === 0) return this.absent(stages, repetition, this.place.definition)
    let bytes = this.#item.write(stages, value[0], repetition)
    for (let i = 1; i < value.length; i += 1) bytes += this.#item.write(stages, value[i], this.#repetition)
    return bytes
  }

  absent(stages: Stages, repetition: number, definition: number): number {
    return this.#item.absent(stages, repetition, definition)
  }
}

/** A MAP: a list of keys and values. */
export class MapWriter extends ValueWriter {
  readonly #key: ValueWriter
  readonly #item: ValueWriter
  readonly #repetition: number

  /** @param repetition the level of an entry after the first one. */
  constructor(place: Place, key: ValueWriter, item: ValueWriter, repetition: number) {
    super(place)
    this.#key = key
    this.#item = item
    this.#repetition = repetition
  }

  write(stages: Stages, value: ConnectValue | undefined, repetition: number): number {
    if (value === null || value === undefined) return this.missing(stages, repetition)
    if (!isMap(value)) misfit(this.place.schema, this.place.path, value)
    if (value.size === 0) return this.absent(stages, repetition, this.place.definition)
    let bytes = 0
    let level = repetition
    for (const [key, item] of value) {
      bytes += this.#key.write(stages, key, level) + this.#item.write(stages, item, level)
      level = this.#repetition
    }
    return bytes
  }

  absent(stages: Stages, repetition: number, definition: number): number {
    return this.#key.absent(stages, repetition, definition) + this.#item.absent(stages, repetition, definition)
  }
}
