import {
  DataError,
  decimalToBytes,
  misfit,
  smallUnscaledDecimal,
  unscaledDecimal,
  type ConnectValue,
} from 'penstock/api'

import type { ColumnStage } from '../column/column-stage.ts'
import { LeafWriter } from './leaf-writers.ts'
import type { Place } from './value-writer.ts'

/** How the decimals of a column are stored. */
export interface DecimalForm {
  readonly precision: number
  /** At least 0. */
  readonly scale: number
  /** The number of bytes of each value; null: as few as it needs. */
  readonly length: number | null
}

/** Decimals: the unscaled value in big-endian two's complement. */
export class DecimalWriter extends LeafWriter {
  readonly #form: DecimalForm
  /** The first number that has too many digits. */
  readonly #limit: number

  constructor(place: Place, column: number, form: DecimalForm) {
    super(place, column)
    this.#form = form
    this.#limit = 10 ** Math.min(form.precision, 15)
  }

  write(stages: readonly ColumnStage[], value: ConnectValue | undefined, repetition: number): number {
    if (value === null || value === undefined) return this.missing(stages, repetition)
    if (typeof value !== 'string') misfit(this.place.schema, this.place.path, value)
    const { scale, length } = this.#form
    const small = smallUnscaledDecimal(value, scale)
    if (small === null) return this.#writeLarge(stages, value, repetition)
    if (small >= this.#limit || small <= -this.#limit) this.#tooPrecise(value)
    const stage = stages[this.column] as ColumnStage
    stage.level(repetition, this.definition)
    return 1 + (length === null ? stage.putBigEndian(small) : stage.putFixedBigEndian(small, length))
  }

  #writeLarge(stages: readonly ColumnStage[], text: string, repetition: number): number {
    const { length } = this.#form
    const bytes = this.#bytesOf(text)
    const stage = stages[this.column] as ColumnStage
    stage.level(repetition, this.definition)
    if (length === null) return 1 + stage.putBytes(bytes)
    stage.putRaw(bytes)
    return 1 + length
  }

  #bytesOf(text: string): Buffer {
    const { precision, scale, length } = this.#form
    const bytes = decimalToBytes(text, scale)
    // A byte has at most 2.41 digits.
    if (bytes.length * 2.41 > precision && digitsOf(text, scale) > precision) this.#tooPrecise(text)
    if (length === null) return bytes
    if (bytes.length > length) this.#tooPrecise(text)
    const fixed = Buffer.alloc(length, (bytes[0] ?? 0) >= 0x80 ? 0xff : 0)
    bytes.copy(fixed, length - bytes.length)
    return fixed
  }

  #tooPrecise(text: string): never {
    const { precision, scale } = this.#form
    const shown = text.length > 100 ? `${text.slice(0, 100)}…` : text
    throw new DataError(`Decimal ${shown} has more digits than DECIMAL(${precision}, ${scale}): "${this.place.path}"`)
  }
}

function digitsOf(text: string, scale: number): number {
  const digits = String(unscaledDecimal(text, scale))
  return digits.startsWith('-') ? digits.length - 1 : digits.length
}
