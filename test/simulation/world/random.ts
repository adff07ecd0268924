import { seededRandom } from '../../support/seeded-random.ts'

/** Random decisions that a seed determines. Each part of a run has its own sequence: what one draws does not change another's. */
export class Random {
  readonly #seed: number
  readonly #next: () => number
  #draws = 0

  constructor(seed: number) {
    this.#seed = seed
    this.#next = seededRandom(seed)
  }

  /** The numbers drawn so far. */
  get draws(): number {
    return this.#draws
  }

  /** Returns the sequence of a part of the run. */
  fork(part: string): Random {
    let hash = this.#seed ^ 0x9e37_79b9
    for (const character of part) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x0100_0193)
    return new Random(hash >>> 0)
  }

  /** In [0, 1). */
  number(): number {
    this.#draws += 1
    return this.#next()
  }

  /** In [least, most). */
  between(least: number, most: number): number {
    return least + this.number() * (most - least)
  }

  /** A whole number from `least` to `most`, both included. */
  integer(least: number, most: number): number {
    return Math.floor(this.between(least, most + 1))
  }

  chance(probability: number): boolean {
    return this.number() < probability
  }

  /** @throws RangeError when there is nothing to pick */
  pick<T>(from: readonly T[]): T {
    const item = from[Math.floor(this.number() * from.length)]
    if (item === undefined) throw new RangeError('there is nothing to pick')
    return item
  }
}
