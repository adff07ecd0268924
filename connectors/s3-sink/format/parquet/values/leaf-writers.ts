import { DataError, misfit, type ConnectValue } from 'penstock/api'

import type { ColumnStage } from '../column/column-stage.ts'
import { ValueWriter, type Place } from './value-writer.ts'

type Stages = readonly ColumnStage[]

/** Values of a column. Each type has a `write` of its own, without calls that depend on the type: it is the hot path of the format. */
export abstract class LeafWriter extends ValueWriter {
  protected readonly column: number
  protected readonly definition: number

  /** @param column the index of its stage. */
  constructor(place: Place, column: number) {
    super(place)
    this.column = column
    this.definition = place.definition
  }

  absent(stages: Stages, repetition: number, definition: number): number {
    const stage = stages[this.column] as ColumnStage
    stage.level(repetition, definition)
    return 1
  }
}

export class BooleanWriter extends LeafWriter {
  write(stages: Stages, value: ConnectValue | undefined, repetition: number): number {
    if (value === null || value === undefined) return this.missing(stages, repetition)
    if (typeof value !== 'boolean') misfit(this.place.schema, this.place.path, value)
    const stage = stages[this.column] as ColumnStage
    stage.level(repetition, this.definition)
    stage.putByte(value ? 1 : 0)
    return 2
  }
}

const limits = { INT8: 0x7f, INT16: 0x7fff, INT32: 0x7fffffff } as const

/** INT8, INT16 and INT32. */
export class Int32Writer extends LeafWriter {
  readonly #max: number

  constructor(place: Place, column: number, type: keyof typeof limits) {
    super(place, column)
    this.#max = limits[type]
  }

  write(stages: Stages, value: ConnectValue | undefined, repetition: number): number {
    if (value === null || value === undefined) return this.missing(stages, repetition)
    const number = typeof value === 'bigint' ? Number(value) : value
    if (typeof number !== 'number' || !Number.isInteger(number)) misfit(this.place.schema, this.place.path, value)
    if (number > this.#max || number < -this.#max - 1) outside(this.place, number)
    const stage = stages[this.column] as ColumnStage
    stage.level(repetition, this.definition)
    stage.putInt32(number)
    return 5
  }
}

export class Int64Writer extends LeafWriter {
  write(stages: Stages, value: ConnectValue | undefined, repetition: number): number {
    if (value === null || value === undefined) return this.missing(stages, repetition)
    if (typeof value !== 'number' || !Number.isSafeInteger(value)) return this.#writeLarge(stages, value, repetition)
    const stage = stages[this.column] as ColumnStage
    stage.level(repetition, this.definition)
    stage.putSafeInteger(value)
    return 9
  }

  #writeLarge(stages: Stages, value: ConnectValue, repetition: number): number {
    if (typeof value !== 'bigint' && !(typeof value === 'number' && Number.isInteger(value))) {
      misfit(this.place.schema, this.place.path, value)
    }
    const large = BigInt(value)
    if (large !== BigInt.asIntN(64, large)) outside(this.place, large)
    const stage = stages[this.column] as ColumnStage
    stage.level(repetition, this.definition)
    stage.putInt64(large)
    return 9
  }
}

export class FloatWriter extends LeafWriter {
  write(stages: Stages, value: ConnectValue | undefined, repetition: number): number {
    if (value === null || value === undefined) return this.missing(stages, repetition)
    if (typeof value !== 'number') misfit(this.place.schema, this.place.path, value)
    const stage = stages[this.column] as ColumnStage
    stage.level(repetition, this.definition)
    stage.putFloat(value)
    return 5
  }
}

export class DoubleWriter extends LeafWriter {
  write(stages: Stages, value: ConnectValue | undefined, repetition: number): number {
    if (value === null || value === undefined) return this.missing(stages, repetition)
    if (typeof value !== 'number') misfit(this.place.schema, this.place.path, value)
    const stage = stages[this.column] as ColumnStage
    stage.level(repetition, this.definition)
    stage.putDouble(value)
    return 9
  }
}

export class TextWriter extends LeafWriter {
  write(stages: Stages, value: ConnectValue | undefined, repetition: number): number {
    if (value === null || value === undefined) return this.missing(stages, repetition)
    if (typeof value !== 'string') misfit(this.place.schema, this.place.path, value)
    const stage = stages[this.column] as ColumnStage
    stage.level(repetition, this.definition)
    return 1 + stage.putText(value)
  }
}

export class BytesWriter extends LeafWriter {
  write(stages: Stages, value: ConnectValue | undefined, repetition: number): number {
    if (value === null || value === undefined) return this.missing(stages, repetition)
    if (!(value instanceof Uint8Array)) misfit(this.place.schema, this.place.path, value)
    const stage = stages[this.column] as ColumnStage
    stage.level(repetition, this.definition)
    return 1 + stage.putBytes(value)
  }
}

/** BYTES that are all of one length. */
export class FixedWriter extends LeafWriter {
  readonly #length: number

  constructor(place: Place, column: number, length: number) {
    super(place, column)
    this.#length = length
  }

  write(stages: Stages, value: ConnectValue | undefined, repetition: number): number {
    if (value === null || value === undefined) return this.missing(stages, repetition)
    if (!(value instanceof Uint8Array)) misfit(this.place.schema, this.place.path, value)
    if (value.length !== this.#length) {
      throw new DataError(`"${this.place.path}" has ${value.length} bytes, its schema says ${this.#length}`)
    }
    const stage = stages[this.column] as ColumnStage
    stage.level(repetition, this.definition)
    stage.putRaw(value)
    return 1 + this.#length
  }
}

function outside({ schema, path }: Place, value: number | bigint): never {
  throw new DataError(`${value} is outside of the range of ${schema.type}: "${path}"`)
}
