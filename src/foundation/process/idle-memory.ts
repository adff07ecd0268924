import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

import type { Clock } from '../clock.ts'

type Collect = (options: { readonly type: 'major'; readonly execution: 'sync'; readonly flavor: 'last-resort' }) => void

const checkMs = 2_500

/**
 * Gives a thread's memory back to the system once nothing has happened in it for a while. V8 keeps the heap that a
 * burst of work has grown for as long as it is not asked again; threads that rest would hold tens of megabytes each.
 * One collection per rest, of tens of milliseconds.
 */
export class IdleMemory {
  readonly #stop: () => void
  readonly #clock: Clock
  readonly #restMs: number
  readonly #collect: () => void
  #activeAt: number
  #collected = false

  /** @param restMs how long nothing has to happen before memory is given back. */
  constructor(clock: Clock, restMs: number, collect: () => void = collectGarbage) {
    this.#clock = clock
    this.#restMs = restMs
    this.#collect = collect
    this.#activeAt = clock.monotonic()
    this.#stop = clock.every(checkMs, () => this.#check())
  }

  /** Something happened. */
  active(): void {
    this.#activeAt = this.#clock.monotonic()
    this.#collected = false
  }

  close(): void {
    this.#stop()
  }

  #check(): void {
    if (this.#collected || this.#clock.monotonic() - this.#activeAt < this.#restMs) return
    this.#collected = true
    this.#collect()
  }
}

let collector: Collect | null = null

/** The engine's most thorough collection: it compacts and returns what is free. Takes tens of milliseconds. */
export function collectGarbage(): void {
  if (collector === null) {
    setFlagsFromString('--expose-gc')
    collector = runInNewContext('gc') as Collect
  }
  collector({ type: 'major', execution: 'sync', flavor: 'last-resort' })
}
