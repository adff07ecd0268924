/** What a run did, in its order. It is printed only when the run fails. */
export class Transcript {
  readonly #lines: string[] = []
  readonly #start = performance.now()
  readonly #seed: number

  constructor(seed: number) {
    this.#seed = seed
  }

  readonly note = (what: string): void => {
    const seconds = ((performance.now() - this.#start) / 1000).toFixed(3)
    this.#lines.push(`seed ${this.#seed} ${seconds.padStart(8)} ${new Date().toISOString().slice(11, 23)} ${what}`)
  }

  get text(): string {
    return this.#lines.join('\n')
  }
}
