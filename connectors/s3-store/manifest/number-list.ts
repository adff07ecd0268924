import { DataError } from 'penstock/api'

/**
 * Collects integers that follow each other closely: their differences, in groups of 7 bits with the sign in the lowest one, as Avro
 * has integers.
 */
export class NumberList {
  #bytes: Buffer = Buffer.alloc(0)
  #used = 0
  #last = 0

  /** The size of the memory in bytes. */
  get held(): number {
    return this.#bytes.length
  }

  add(value: number): void {
    if (this.#bytes.length - this.#used < 10) this.#grow()
    let rest = value - this.#last
    this.#last = value
    rest = rest < 0 ? -2 * rest - 1 : 2 * rest
    while (rest >= 0x80) {
      this.#bytes[this.#used] = (rest % 0x80) | 0x80
      this.#used += 1
      rest = Math.floor(rest / 0x80)
    }
    this.#bytes[this.#used] = rest
    this.#used += 1
  }

  /** The numbers as text, in base64. */
  get text(): string {
    return this.#bytes.toString('base64', 0, this.#used)
  }

  #grow(): void {
    const grown = Buffer.allocUnsafeSlow(Math.max(64, this.#bytes.length * 2))
    this.#bytes.copy(grown, 0, 0, this.#used)
    this.#bytes = grown
  }
}

/** Returns the numbers of a {@link NumberList}. @throws DataError if there are not so many */
export function numbersIn(text: string, count: number): readonly number[] {
  const numbers = numbersOf(text)
  if (numbers.length === count) return numbers
  throw new DataError(`a list has ${numbers.length} numbers, and its records are ${count}`)
}

/** Returns the numbers of a {@link NumberList}. @throws DataError if it is cut off */
export function numbersOf(text: string): readonly number[] {
  const numbers: number[] = []
  let last = 0
  let value = 0
  let unit = 1
  for (const byte of Buffer.from(text, 'base64')) {
    value += (byte & 0x7f) * unit
    unit *= 0x80
    if (byte >= 0x80) continue
    last += value % 2 === 0 ? value / 2 : -(value + 1) / 2
    numbers.push(last)
    value = 0
    unit = 1
  }
  if (unit !== 1) throw new DataError('a list of numbers ends in the middle of one')
  return numbers
}
