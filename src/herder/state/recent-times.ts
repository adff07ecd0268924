/** When something has happened lately, by what it has happened to. Times are monotonic milliseconds. */
export class RecentTimes {
  readonly #withinMs: number
  readonly #times = new Map<string, number[]>()

  constructor(withinMs: number) {
    this.#withinMs = withinMs
  }

  add(key: string, now: number): void {
    this.#times.set(key, [...this.#recent(key, now), now])
  }

  count(key: string, now: number): number {
    return this.#recent(key, now).length
  }

  #recent(key: string, now: number): number[] {
    const recent = (this.#times.get(key) ?? []).filter((at) => now - at < this.#withinMs).slice(-maxTimes)
    if (recent.length === 0) this.#times.delete(key)
    return recent
  }
}

/** Of each key (I10). */
const maxTimes = 100

/** What happens again and again when something is wrong. */
export class RecentEvents {
  /** Automatic restarts of tasks within 10 minutes, by the text of their ids. */
  readonly restarts = new RecentTimes(600_000)
  /** Rebalances of the worker group within a minute that no record of the config topic explains, under {@link groupKey}. */
  readonly rebalances = new RecentTimes(60_000)
}

/** The key of the rebalances of the worker group. */
export const groupKey = 'group'
