import type { Clock } from '../clock.ts'

/** Calls `action` after one round of the event loop, in which timers, sockets and messages are served. */
export type Scheduler = (action: () => void) => void

const eventLoop: Scheduler = (action) => void setImmediate(action)

/**
 * Divides a thread's time between queued work and everything else that runs on the thread: after `sliceMs` of queued work,
 * the event loop makes one round before the next piece. Waiting work is served in order, urgent and other work alternately.
 */
export class Turns {
  readonly #clock: Clock
  readonly #sliceMs: number
  readonly #schedule: Scheduler
  readonly #urgent = new Set<() => void>()
  readonly #others = new Set<() => void>()
  /** When the first work of this round began; null if none has. */
  #beganMs: number | null = null
  #isScheduled = false
  #wasUrgent = false

  constructor(clock: Clock, sliceMs: number, schedule: Scheduler = eventLoop) {
    this.#clock = clock
    this.#sliceMs = sliceMs
    this.#schedule = schedule
  }

  /** Calls `work`: immediately if none is waiting and the slice has time left, otherwise when it is its turn. */
  take(work: () => void, isUrgent = false): void {
    if (this.#isFree()) work()
    else this.wait(work, isUrgent)
  }

  /** Returns whether work may start without waiting. */
  mayStart(): boolean {
    return this.#isFree()
  }

  /** Calls `work` when it is its turn. Work that is waiting already keeps its place. */
  wait(work: () => void, isUrgent = false): void {
    const line = isUrgent ? this.#urgent : this.#others
    line.add(work)
    this.#roundLater()
  }

  /** Removes `work` from the queue. */
  leave(work: () => void): void {
    this.#urgent.delete(work)
    this.#others.delete(work)
  }

  #isFree(): boolean {
    return this.#urgent.size + this.#others.size === 0 && this.#hasTime()
  }

  /** Returns whether the slice has time left. It begins with the first work of a round. */
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

  /** The microtasks of a piece of work belong to it: the next piece starts after them. */
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
