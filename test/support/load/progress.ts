/** Tells an operator of a long test where it is: one line a phase, with the time since the start and the heap in use. */
export class Progress {
  readonly #test: string
  readonly #start = performance.now()

  constructor(test: string) {
    this.#test = test
  }

  readonly say = (what: string): void => {
    const seconds = Math.round((performance.now() - this.#start) / 1000)
    const heapMb = Math.round(process.memoryUsage().heapUsed / 1e6)
    process.stderr.write(`${this.#test}: ${seconds} s, heap ${heapMb} MB: ${what}\n`)
  }
}
