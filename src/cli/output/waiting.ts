import type { Clock } from '../../foundation/clock.ts'
import type { Terminal } from './terminal.ts'
import { clippedTo, durationText, printable } from './text.ts'

/** A wait that is shorter is not shown. Milliseconds. */
const quietMs = 2000
const clearLine = '\r\u001b[K'

/** A line on standard error that says what a command waits for, where a person sees it. */
export class Waiting {
  readonly #terminal: Terminal
  readonly #clock: Clock
  readonly #begin: number
  #isShown = false

  constructor(terminal: Terminal, clock: Clock) {
    this.#terminal = terminal
    this.#clock = clock
    this.#begin = clock.monotonic()
  }

  /** Says what is waited for, once it takes long. */
  say(what: string): void {
    const passed = this.#clock.monotonic() - this.#begin
    if (!this.#terminal.isErrorTerminal || passed < quietMs) return
    const text = `… ${printable(what)}, for ${durationText(passed)}`
    this.#terminal.writeError(clearLine + clippedTo(text, this.#terminal.columns - 1))
    this.#isShown = true
  }

  /** Removes the line. */
  end(): void {
    if (this.#isShown) this.#terminal.writeError(clearLine)
    this.#isShown = false
  }
}
