import { clipped } from './clipped.ts'
import type { Clock } from '../clock.ts'
import type { Logger } from './logger.ts'

/** What a line is about, and whose doing it is: lines with the same two belong to one streak. */
export interface LineCause {
  readonly kind: string
  /** The address of the client. */
  readonly client: string
}

type Level = 'info' | 'warn' | 'error'

interface Line {
  readonly level: Level
  readonly message: string
  readonly fields: Record<string, unknown>
}

interface Streak {
  /** Lines that were logged as they came. */
  logged: number
  /** Lines since the last one that was logged. */
  unlogged: number
  /** Whether a line came since the last look. */
  isActive: boolean
  last: Line
  cancel: () => void
}

/** A streak's lines that are logged as they come. */
const firstLines = 3
/** After them, one line stands for all that came within this time; a streak without a line for so long is over. */
const periodMs = 60_000
/** Streaks that are told apart; the lines of further clients are one streak for each kind. */
const maxStreaks = 256
const maxText = 2000

/**
 * Lines that clients can cause, as often as they like. Of each kind and client the first are logged as they come; then one a
 * minute with the count of those it stands for.
 */
export class LogStreaks {
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #streaks = new Map<string, Streak>()
  #isClosed = false

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock
    this.#logger = logger
  }

  /** Logs a line, or counts it. */
  log(level: Level, { kind, client }: LineCause, message: string, fields: Record<string, unknown> = {}): void {
    const line = { level, message, fields }
    const [key, streak] = this.#streakOf(kind, client, line)
    streak.isActive = true
    if (this.#isClosed) return this.#write(line)
    if (streak.logged === 0) streak.cancel = this.#clock.after(periodMs, () => this.#look(key, streak))
    if (streak.logged < firstLines) {
      streak.logged += 1
      return this.#write(line)
    }
    streak.unlogged += 1
    streak.last = line
    return undefined
  }

  /** Logs the counts of all streaks; later lines are logged as they come. */
  close(): void {
    this.#isClosed = true
    for (const streak of this.#streaks.values()) {
      streak.cancel()
      this.#sum(streak)
    }
    this.#streaks.clear()
  }

  #streakOf(kind: string, client: string, last: Line): readonly [string, Streak] {
    const own = `${kind}\n${client}`
    const key = this.#streaks.has(own) || this.#streaks.size < maxStreaks ? own : `${kind}\n`
    const known = this.#streaks.get(key)
    if (known !== undefined) return [key, known]
    const streak = { logged: 0, unlogged: 0, isActive: false, last, cancel: () => undefined }
    this.#streaks.set(key, streak)
    return [key, streak]
  }

  #look(key: string, streak: Streak): void {
    if (!streak.isActive) {
      this.#streaks.delete(key)
      return
    }
    this.#sum(streak)
    streak.isActive = false
    streak.cancel = this.#clock.after(periodMs, () => this.#look(key, streak))
  }

  #sum(streak: Streak): void {
    const { unlogged, last } = streak
    if (unlogged === 0) return
    streak.unlogged = 0
    this.#write({ ...last, fields: { ...last.fields, linesLikeThis: unlogged } })
  }

  #write({ level, message, fields }: Line): void {
    // Names of clients, topics and groups are as long as who sends them likes.
    const short = Object.entries(fields).map(([name, value]) => [
      name,
      typeof value === 'string' ? clipped(value, maxText) : value,
    ])
    this.#logger[level](clipped(message, maxText), short.length === 0 ? undefined : Object.fromEntries(short))
  }
}
