import { backoffMs, ConnectError, type Clock, type Logger } from 'penstock/api'
import type { SinkSettings } from '../config/settings.ts'

const maxBackoffMs = 10_000
/** From this attempt on, a failing request raises a condition. */
const quietAttempts = 3

/** Conditions of a task whose requests fail and are retried: what is wrong, and what to do. */
const troubles = {
  ES_UNAVAILABLE: { what: 'Elasticsearch is not available', advice: '' },
  ES_OVERLOADED: {
    what: 'Elasticsearch is overloaded',
    advice: '. If this persists, lower max.in.flight.requests or batch.size',
  },
  ES_INDEX_BLOCKED: {
    what: 'an index rejects writes',
    advice: '. Open the index, or remove what blocks it (index.blocks.*; a full disk sets read_only_allow_delete)',
  },
  ES_INDEX_MISSING: { what: 'an index or alias to write to does not exist', advice: '. Create it' },
  ES_FOREIGN_RESPONSE: {
    what: 'a proxy responds in place of Elasticsearch',
    advice: '. Check the proxy or load balancer, and the credentials that it expects',
  },
} as const

export type TroubleCode = keyof typeof troubles

/** Why a request failed that another attempt may complete. */
export interface Trouble {
  readonly code: TroubleCode
  /** The request, and the reason as the server or the connection gave it. */
  readonly reason: string
}

export interface RetryHooks {
  readonly onRetry: () => void
  /** Raises a condition; null clears it. */
  readonly show: (code: TroubleCode, message: string | null) => void
}

/** The attempts of one request. */
export interface Streak {
  /** Notes a failed attempt. Returns how long to wait, in milliseconds. @throws ConnectError when `max.retries` is used up. */
  failed(trouble: Trouble): number
  /** Notes a failed attempt, and waits. @throws as {@link failed}, and the signal's reason when it fires. */
  wait(trouble: Trouble, signal: AbortSignal): Promise<void>
  /** The request succeeded, or was abandoned. */
  over(): void
}

interface Shown {
  readonly trouble: Trouble
  /** When the first attempt of the request failed. */
  readonly since: string
}

/**
 * The retry rule of the settings: indefinitely, with jitter, unless `max.retries` sets a limit. A condition stays raised as long as
 * one of the requests in flight waits for its reason to end.
 */
export class Retries {
  readonly #settings: Pick<SinkSettings, 'maxRetries' | 'retryBackoffMs'>
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #hooks: RetryHooks
  /** The oldest first. */
  readonly #waiting = new Map<Streak, Shown>()

  constructor(
    settings: Pick<SinkSettings, 'maxRetries' | 'retryBackoffMs'>,
    clock: Clock,
    logger: Logger,
    hooks: RetryHooks,
  ) {
    this.#settings = settings
    this.#clock = clock
    this.#logger = logger
    this.#hooks = hooks
  }

  begin(): Streak {
    const { maxRetries, retryBackoffMs } = this.#settings
    let attempts = 0
    let since = ''
    const streak: Streak = {
      failed: (trouble) => {
        attempts += 1
        if (attempts === 1) since = new Date(this.#clock.now()).toISOString()
        if (maxRetries >= 0 && attempts > maxRetries) {
          streak.over()
          throw new ConnectError(
            `Elasticsearch was not available in ${attempts} attempts (max.retries=${maxRetries}): ${trouble.reason}. With max.retries=-1 the task waits until it is`,
            { code: 'ES_UNAVAILABLE' },
          )
        }
        this.#hooks.onRetry()
        this.#logger.debug(`attempt ${attempts} failed and is retried: ${trouble.code}: ${trouble.reason}`)
        if (attempts >= quietAttempts) this.#note(streak, { trouble, since })
        return backoffMs({ initialMs: retryBackoffMs, maxMs: maxBackoffMs }, attempts)
      },
      wait: async (trouble, signal) => {
        const ms = streak.failed(trouble)
        try {
          await this.#clock.sleep(ms, signal)
        } catch (error) {
          streak.over()
          throw error
        }
      },
      over: () => {
        attempts = 0
        const shown = this.#waiting.get(streak)
        if (shown === undefined) return
        this.#waiting.delete(streak)
        this.#show(shown.trouble.code)
      },
    }
    return streak
  }

  #note(streak: Streak, shown: Shown): void {
    const before = this.#waiting.get(streak)?.trouble.code
    this.#waiting.set(streak, shown)
    this.#show(shown.trouble.code)
    if (before !== undefined && before !== shown.trouble.code) this.#show(before)
  }

  /** Of several requests with the same code, the oldest is named. */
  #show(code: TroubleCode): void {
    for (const { trouble, since } of this.#waiting.values()) {
      if (trouble.code !== code) continue
      const { what, advice } = troubles[code]
      this.#hooks.show(code, `${what}; requests have been retried since ${since}: ${trouble.reason}${advice}`)
      return
    }
    this.#hooks.show(code, null)
  }
}
