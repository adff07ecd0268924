import { ByteStatistics } from './byte-statistics.ts'
import type { ColumnStage } from './column-stage.ts'
import type { Statistics } from './chunk-statistics.ts'
import type { Bounds, Leaf } from '../schema/parquet-types.ts'

export function statisticsOf(leaf: Leaf): Statistics {
  switch (leaf.type) {
    case 'boolean':
      return new BooleanStatistics()
    case 'int32':
      return new Int32Statistics()
    case 'int64':
      return new Int64Statistics()
    case 'float':
    case 'double':
      return new FloatStatistics(leaf.width)
    case 'byteArray':
    case 'fixed':
      return new ByteStatistics(leaf)
  }
}

class BooleanStatistics implements Statistics {
  readonly nanCount = null
  #min = 1
  #max = -1

  observe({ bytes, used }: ColumnStage): void {
    for (let i = 0; i < used; i += 1) {
      const value = bytes[i] as number
      if (value < this.#min) this.#min = value
      if (value > this.#max) this.#max = value
    }
  }

  bounds(): Bounds | null {
    return this.#max < 0 ? null : { min: Buffer.of(this.#min), max: Buffer.of(this.#max) }
  }
}

class Int32Statistics implements Statistics {
  readonly nanCount = null
  #min = 0x7fffffff
  #max = -0x80000000
  #isEmpty = true

  observe({ ints, used }: ColumnStage): void {
    let [min, max] = [this.#min, this.#max]
    const count = used / 4
    for (let i = 0; i < count; i += 1) {
      const value = ints[i] as number
      if (value < min) min = value
      if (value > max) max = value
    }
    if (count > 0) this.#isEmpty = false
    this.#min = min
    this.#max = max
  }

  bounds(): Bounds | null {
    return this.#isEmpty ? null : { min: int32(this.#min), max: int32(this.#max) }
  }
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32LE(value)
  return bytes
}

/** Compares the halves of numbers, because a bigint for each of them would cost an allocation. */
class Int64Statistics implements Statistics {
  readonly nanCount = null
  #minHigh = 0
  #minLow = 0
  #maxHigh = 0
  #maxLow = 0
  #isEmpty = true

  observe({ ints, used }: ColumnStage): void {
    if (used === 0) return
    if (this.#isEmpty) {
      this.#minLow = this.#maxLow = (ints[0] as number) >>> 0
      this.#minHigh = this.#maxHigh = ints[1] as number
      this.#isEmpty = false
    }
    let [minHigh, minLow, maxHigh, maxLow] = [this.#minHigh, this.#minLow, this.#maxHigh, this.#maxLow]
    for (let i = 0; i < used / 4; i += 2) {
      const low = (ints[i] as number) >>> 0
      const high = ints[i + 1] as number
      if (high < minHigh || (high === minHigh && low < minLow)) {
        minHigh = high
        minLow = low
      } else if (high > maxHigh || (high === maxHigh && low > maxLow)) {
        maxHigh = high
        maxLow = low
      }
    }
    this.#minHigh = minHigh
    this.#minLow = minLow
    this.#maxHigh = maxHigh
    this.#maxLow = maxLow
  }

  bounds(): Bounds | null {
    if (this.#isEmpty) return null
    return { min: int64(this.#minHigh, this.#minLow), max: int64(this.#maxHigh, this.#maxLow) }
  }
}

function int64(high: number, low: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeUInt32LE(low)
  bytes.writeInt32LE(high, 4)
  return bytes
}

/**
 * The bounds of floating-point numbers. Where there is NaN, there are none: Parquet's bounds leave NaN out, but readers that sort NaN
 * last would take them for those of all values. Zeros are bounds with the sign that includes both zeros.
 */
class FloatStatistics implements Statistics {
  readonly #width: number
  nanCount = 0
  #min = Infinity
  #max = -Infinity
  #isEmpty = true

  constructor(width: number) {
    this.#width = width
  }

  observe({ floats, doubles, used }: ColumnStage): void {
    const values = this.#width === 4 ? floats : doubles
    const count = used / this.#width
    let [min, max] = [this.#min, this.#max]
    for (let i = 0; i < count; i += 1) {
      const value = values[i] as number
      if (value < min) min = value
      if (value > max) max = value
      if (value !== value) this.nanCount += 1
    }
    if (count > 0) this.#isEmpty = false
    this.#min = min
    this.#max = max
  }

  bounds(): Bounds | null {
    if (this.#isEmpty || this.nanCount > 0) return null
    return { min: this.#encoded(this.#min === 0 ? -0 : this.#min), max: this.#encoded(this.#max === 0 ? 0 : this.#max) }
  }

  #encoded(value: number): Buffer {
    const bytes = Buffer.alloc(this.#width)
    if (this.#width === 4) bytes.writeFloatLE(value)
    else bytes.writeDoubleLE(value)
    return bytes
  }
}
