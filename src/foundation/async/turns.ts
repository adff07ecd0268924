import type { Clock } from '../clock.ts'

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
  /** Null: nothing was begun since the event loop came round. */
  #beganMs: number | null = null
  #isScheduled = false
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
    return this.#isFree()
  }

  /** Calls `work` when it is its turn. Who waits already keeps its place. */
  wait(work: () => void, isUrgent = false): void {
    const line = isUrgent ? this.#urgent : this.#others
    line.add(work)
    this.#roundLater()
  }

  /** Ends a wait. */
  leave(work: () => void): void {
    this.#urgent.delete(work)
    this.#others.delete(work)
  }

  #isFree(): boolean {
    return this.#urgent.size + this.#others.size === 0 && this.#hasTime()
  }

  /** Whether time of the slice is left, which begins with the first work of a round. */
  #hasTime(): boolean {
    const nowMs = this.#clock.monotonic()
    if (this.#beganMs !== null) return nowMs - this.#beganMs < this.#sliceMs
    this.#beganMs = nowMs
    this.#roundLater()
    return true
  }

  #roundLater(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    this.#schedule(() => {
      this.#isScheduled = false
      this.#beganMs = null
      this.#serve()
    })
  }

  /** What a piece of work continues with in microtasks counts as its own: the next one starts behind them. */
  #serve(): void {
    const [urgent] = this.#urgent
    const [other] = this.#others
    const next = this.#wasUrgent ? (other ?? urgent) : (urgent ?? other)
    if (next === undefined) return
    if (!this.#hasTime()) return this.#roundLater()
    this.#wasUrgent = next === urgent
    this.leave(next)
    try {
      return next()
    } finally {
      queueMicrotask(() => this.#serve())
    }
  }
}
