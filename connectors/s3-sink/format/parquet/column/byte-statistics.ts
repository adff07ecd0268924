import type { ColumnStage } from './column-stage.ts'
import { lengthAt } from './dictionary.ts'
import type { Statistics } from './chunk-statistics.ts'
import type { Bounds, Leaf } from '../schema/parquet-types.ts'

/** Longer values are no bounds, and a column chunk with such an extreme has none: they would fill the footer. Only their first bytes are kept. */
const maxBoundBytes = 256

/** The bounds of byte arrays: text and bytes in the order of their unsigned bytes, decimals in the order of their numbers. */
export class ByteStatistics implements Statistics {
  readonly nanCount = null
  readonly #width: number
  readonly #compare: typeof compareBytes
  #min: Buffer | null = null
  #max: Buffer | null = null

  constructor({ width, order }: Leaf) {
    this.#width = width
    this.#compare = order === 'decimals' ? compareDecimals : compareBytes
  }

  observe({ bytes, used }: ColumnStage): void {
    this.observeRange(bytes, 0, used)
  }

  /** Takes PLAIN-encoded values into account. */
  observeRange(bytes: Buffer, from: number, to: number): void {
    let at = from
    while (at < to) {
      const length = this.#width === 0 ? lengthAt(bytes, at) : this.#width
      if (this.#width === 0) at += 4
      this.#observeValue(bytes, at, Math.min(length, maxBoundBytes + 1))
      at += length
    }
  }

  bounds(): Bounds | null {
    const [min, max] = [this.#min, this.#max]
    if (min === null || max === null) return null
    return Math.max(min.length, max.length) > maxBoundBytes ? null : { min, max }
  }

  #observeValue(bytes: Buffer, at: number, length: number): void {
    const [min, max] = [this.#min, this.#max]
    const isMin = min === null || this.#compare(min, bytes, at, length) > 0
    const isMax = max === null || this.#compare(max, bytes, at, length) < 0
    if (!isMin && !isMax) return
    const copy = Buffer.from(bytes.subarray(at, at + length))
    if (isMin) this.#min = copy
    if (isMax) this.#max = copy
  }
}

/** Compares a value with `length` bytes at a position. */
function compareBytes(one: Buffer, bytes: Buffer, at: number, length: number): number {
  const common = Math.min(one.length, length)
  for (let i = 0; i < common; i += 1) {
    const difference = (one[i] as number) - (bytes[at + i] as number)
    if (difference !== 0) return difference
  }
  return one.length - length
}

/** Compares unscaled values in two's complement, which are as short as possible or all of one length. */
function compareDecimals(one: Buffer, bytes: Buffer, at: number, length: number): number {
  const isNegative = (one[0] as number) >= 0x80
  if (isNegative !== (bytes[at] as number) >= 0x80) return isNegative ? -1 : 1
  if (one.length !== length) return one.length > length === isNegative ? -1 : 1
  return compareBytes(one, bytes, at, length)
}
