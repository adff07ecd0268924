import { clipped } from './clipped.ts'
import type { Clock } from '../clock.ts'
import type { Logger } from './logger.ts'

/** The subject of a line and the client that caused it. Lines with the same cause belong to one streak. */
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
  /** Lines that were logged immediately. */
  logged: number
  /** Lines since the last one that was logged. */
  unlogged: number
  /** Whether a line came since the last check. */
  isActive: boolean
  last: Line
  cancel: () => void
}

/** The number of lines of a streak that are logged immediately. */
const firstLines = 3
/** Later lines are summed up in one line per period; a streak ends after a period without a line. */
const periodMs = 60_000
/** The number of separate streaks (I10); further clients share one streak per kind. */
const maxStreaks = 256
const maxText = 2000

/**
 * Limits the lines that clients can cause at will. The first lines of each kind and client are logged immediately; later ones
 * are summed up once a minute, with their count in `linesLikeThis`.
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
    if (streak.logged === 0) streak.cancel = this.#clock.after(periodMs, () => this.#check(key, streak))
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

  #check(key: string, streak: Streak): void {
    if (!streak.isActive) {
      this.#streaks.delete(key)
      return
    }
    this.#sum(streak)
    streak.isActive = false
    streak.cancel = this.#clock.after(periodMs, () => this.#check(key, streak))
  }

  #sum(streak: Streak): void {
    const { unlogged, last } = streak
    if (unlogged === 0) return
    streak.unlogged = 0
    this.#write({ ...last, fields: { ...last.fields, linesLikeThis: unlogged } })
  }

  #write({ level, message, fields }: Line): void {
    // Clients choose the names of clients, topics and groups, and their length.
    const short = Object.entries(fields).map(([name, value]) => [
      name,
      typeof value === 'string' ? clipped(value, maxText) : value,
    ])
    this.#logger[level](clipped(message, maxText), short.length === 0 ? undefined : Object.fromEntries(short))
  }
}
