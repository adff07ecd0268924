import { appendFileSync } from 'node:fs'

import { systemClock } from '../../../src/foundation/clock.ts'
import { inputOf, lineOf, sources } from './chaos-connectors.ts'

const pauseMs = 20
const linesAtOnce = 3

/** Appends numbered lines to the files of all sources until it is closed. */
export class LineWriter {
  readonly #directory: string
  readonly #closing = new AbortController()
  readonly #running: Promise<void>
  /** How many lines each file has. */
  written = 0

  constructor(directory: string) {
    this.#directory = directory
    this.#append()
    this.#running = this.#run()
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#running
  }

  #append(): void {
    for (const source of sources) {
      const lines = Array.from({ length: linesAtOnce }, (_, i) => `${lineOf(source, this.written + i)}\n`)
      appendFileSync(inputOf(this.#directory, source), lines.join(''))
    }
    this.written += linesAtOnce
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing
    while (!signal.aborted) {
      this.#append()
      await systemClock.sleep(pauseMs, signal).catch(() => undefined)
    }
  }
}
