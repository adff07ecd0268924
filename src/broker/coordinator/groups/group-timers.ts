import type { Clock } from '../../../foundation/clock.ts'
import type { Logger } from '../../../foundation/logging/logger.ts'
import type { Group } from './group.ts'

/** A timer that fires so much too late found the broker itself asleep: heartbeats that came meanwhile were not read. */
const lateMs = 1000

interface Armed {
  readonly atMs: number
  readonly cancel: () => void
}

/** Wakes every group at its next deadline. */
export class GroupTimers {
  readonly #clock: Clock
  readonly #armed = new Map<Group, Armed>()
  readonly #logger: Logger
  readonly #onWoken: (group: Group) => void
  #closed = false

  /** @param onWoken called with a group that was woken. */
  constructor(clock: Clock, logger: Logger, onWoken: (group: Group) => void) {
    this.#clock = clock
    this.#logger = logger
    this.#onWoken = onWoken
  }

  /** Sees to it that the group is woken at its next deadline. A timer that is early is left alone: it looks again. */
  follow(group: Group): void {
    const next = group.nextDeadlineMs()
    const armed = this.#armed.get(group)
    if (this.#closed || (armed !== undefined && armed.atMs <= next)) return
    armed?.cancel()
    this.#armed.delete(group)
    if (next === Number.POSITIVE_INFINITY) return
    const cancel = this.#clock.after(Math.max(next - this.#clock.monotonic(), 0), () => this.#wake(group, next))
    this.#armed.set(group, { atMs: next, cancel })
  }

  close(): void {
    this.#closed = true
    for (const { cancel } of this.#armed.values()) cancel()
    this.#armed.clear()
  }

  #wake(group: Group, dueMs: number): void {
    this.#armed.delete(group)
    const nowMs = this.#clock.monotonic()
    try {
      if (nowMs - dueMs > lateMs) group.extendDeadlines(nowMs - dueMs)
      group.passTime(nowMs)
    } catch (error) {
      this.#fail(group, error)
      return
    }
    this.#onWoken(group)
    this.follow(group)
  }

  /** One group's failure ends neither the broker nor the other groups. It is looked at again when a member calls. */
  #fail(group: Group, error: unknown): void {
    this.#logger.error('a group failed when its time was up', { group: group.id, error: String(error) })
  }
}
