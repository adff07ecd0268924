import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

import type { Clock } from '../clock.ts'

type Collect = (options: { readonly type: 'major'; readonly execution: 'sync'; readonly flavor: 'last-resort' }) => void

const checkMs = 2_500

/**
 * Returns the memory of an idle thread to the operating system. After a burst of work V8 does not shrink the heap without
 * further allocations, so each idle thread would hold tens of megabytes. One collection per idle period, which takes tens of
 * milliseconds.
 */
export class IdleMemory {
  readonly #stop: () => void
  readonly #clock: Clock
  readonly #restMs: number
  readonly #collect: () => void
  #activeAt: number
  #collected = false

  /** @param restMs idle time before memory is returned. */
  constructor(clock: Clock, restMs: number, collect: () => void = collectGarbage) {
    this.#clock = clock
    this.#restMs = restMs
    this.#collect = collect
    this.#activeAt = clock.monotonic()
    this.#stop = clock.every(checkMs, () => this.#check())
  }

  /** Notes that the thread is in use. */
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

/** Runs V8's most thorough collection, which compacts the heap and returns free memory. Takes tens of milliseconds. */
export function collectGarbage(): void {
  if (collector === null) {
    setFlagsFromString('--expose-gc')
    collector = runInNewContext('gc') as Collect
  }
  collector({ type: 'major', execution: 'sync', flavor: 'last-resort' })
}
