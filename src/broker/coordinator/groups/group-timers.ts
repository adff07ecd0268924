import type { Clock } from '../../../foundation/clock.ts'
import type { Logger } from '../../../foundation/logging/logger.ts'
import type { Group } from './group.ts'

/** If a timer fires this late, the broker itself did not run, and did not read heartbeats that arrived meanwhile. */
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

  /** Arms the timer for the next deadline of the group. A timer that fires earlier is kept: it then arms itself again. */
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

  /** A failure of one group affects neither the broker nor other groups. The next request of a member tries again. */
  #fail(group: Group, error: unknown): void {
    this.#logger.error('a group failed when its time was up', { group: group.id, error: String(error) })
  }
}
