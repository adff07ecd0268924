import type { Clock } from './clock.ts'

/** Calls `action` once the event loop has come round: timers, sockets and messages had their turn. */
export type Scheduler = (action: () => void) => void

const eventLoop: Scheduler = (action) => void setImmediate(action)

/**
 * Shares a thread between work that many ask for and everything else that runs on it. After `sliceMs` of such work the event
 * loop comes round before it continues. Who waits is served in order, urgent work and other work by turns.
 */
export class Turns {
  readonly #clock: Clock
  readonly #sliceMs: number
  readonly #schedule: Scheduler
  readonly #urgent = new Set<() => void>()
  readonly #others = new Set<() => void>()
  #beganMs = Number.NEGATIVE_INFINITY
  #isScheduled = false
  #isServing = false
  #wasUrgent = false

  constructor(clock: Clock, sliceMs: number, schedule: Scheduler = eventLoop) {
    this.#clock = clock
    this.#sliceMs = sliceMs
    this.#schedule = schedule
  }

  /** Calls `work`: at once when nobody waits and time of the slice is left, else when it is its turn. */
  take(work: () => void, isUrgent = false): void {
    if (this.#isFree()) work()
    else this.wait(work, isUrgent)
  }

  /** Whether work may start without waiting. */
  mayStart(): boolean {
    if (this.#isFree()) return true
    this.#serveLater()
    return false
  }

  /** Calls `work` when it is its turn. Who waits already keeps its place. */
  wait(work: () => void, isUrgent = false): void {
    const line = isUrgent ? this.#urgent : this.#others
    line.add(work)
    this.#serveLater()
  }

  /** Ends a wait. */
  leave(work: () => void): void {
    this.#urgent.delete(work)
    this.#others.delete(work)
  }

  #isFree(): boolean {
    return this.#urgent.size + this.#others.size === 0 && this.#clock.monotonic() - this.#beganMs < this.#sliceMs
  }

  #serveLater(): void {
    if (this.#isScheduled || this.#isServing) return
    this.#isScheduled = true
    this.#schedule(() => {
      this.#isScheduled = false
      this.#isServing = true
      this.#beganMs = this.#clock.monotonic()
      this.#serve()
    })
  }

  /** What a piece of work continues with in microtasks counts as its own: the next one starts behind them. */
  #serve(): void {
    const [urgent] = this.#urgent
    const [other] = this.#others
    const next = this.#wasUrgent ? (other ?? urgent) : (urgent ?? other)
    if (next !== undefined && this.#clock.monotonic() - this.#beganMs < this.#sliceMs) {
      this.#wasUrgent = next === urgent
      this.leave(next)
      try {
        next()
      } finally {
        queueMicrotask(() => this.#serve())
      }
      return
    }
    this.#isServing = false
    if (next !== undefined) this.#serveLater()
  }
}
