import type { Clock, ProcessClock } from '../../../src/foundation/clock.ts'
import { repeating } from '../../support/repeating.ts'
import { sleeping } from '../../support/sleeping.ts'
import type { EventReceiver, SimulatedEvent } from './event-queue.ts'
import type { Timeline } from './timeline.ts'

const epochMs = 1_700_000_000_000

/**
 * Something that acts by itself: a process, or a thread of one. All that it does is done in events of its own: its timers, and
 * what it receives. While it is frozen its events wait, and happen when it wakes up. When it has ended they are dropped.
 */
export class Actor implements EventReceiver {
  readonly name: string
  /** The machine on which it runs, for the network. */
  readonly host: string
  readonly clock: Clock
  readonly processClock: ProcessClock
  readonly #timeline: Timeline
  #state: 'running' | 'frozen' | 'ended' = 'running'
  #held: SimulatedEvent[] = []
  readonly #atEnd: (() => void)[] = []

  constructor(timeline: Timeline, name: string, host: string) {
    this.name = name
    this.host = host
    this.#timeline = timeline
    const wall = (): number => epochMs + Math.floor(timeline.nowMs)
    this.processClock = { monotonic: () => timeline.nowMs, wall }
    const after = (ms: number, action: () => void): (() => void) => this.schedule(ms, 'timer', action)
    this.clock = {
      now: wall,
      monotonic: () => timeline.nowMs,
      sleep: async (ms, signal) => await sleeping({ after }, ms, signal),
      after,
      every: (ms, action) => repeating({ after }, ms, action),
    }
  }

  get hasEnded(): boolean {
    return this.#state === 'ended'
  }

  /** Lets `action` happen to this actor after `delayMs`. Returns a function that cancels it. */
  schedule(delayMs: number, what: string, action: () => void): () => void {
    return this.#timeline.schedule(this, delayMs, what, action)
  }

  /** Its events wait from now on. */
  freeze(): void {
    if (this.#state === 'running') this.#state = 'frozen'
  }

  /** What it has missed happens now. */
  wake(): void {
    if (this.#state !== 'frozen') return
    this.#state = 'running'
    for (const event of this.#held.splice(0)) this.#timeline.release(event)
  }

  /** Its events are dropped from now on. */
  end(): void {
    this.#state = 'ended'
    this.#held = []
    for (const action of this.#atEnd.splice(0)) action()
  }

  /** Calls `action` when this actor ends. */
  atEnd(action: () => void): void {
    this.#atEnd.push(action)
  }

  admits(event: SimulatedEvent): boolean {
    if (this.#state === 'frozen') this.#held.push(event)
    return this.#state === 'running'
  }
}
