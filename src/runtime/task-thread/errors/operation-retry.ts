import type { ErrorSettings } from '../../../config/connector/errors/error-settings.ts'
import type { RecordFailure } from './record-failure.ts'

/** The delay before the first retry, in milliseconds; each further one waits twice as long. */
const initialDelayMs = 300
/** Beyond this many, the delay is above every limit. */
const maxDoublings = 40

/** The retries of one operation on one record, with the delays of Kafka Connect's RetryWithToleranceOperator. */
export class OperationRetry {
  readonly #settings: Pick<ErrorSettings, 'retryDelayMaxMs'>
  readonly #stage: string
  readonly #executingClass: string | null
  readonly #deadline: number
  #attempts = 0

  /** @param startedAt when the operation failed first, in monotonic milliseconds */
  constructor(
    settings: Pick<ErrorSettings, 'retryDelayMaxMs' | 'retryTimeoutMs'>,
    { stage, executingClass }: RecordFailure,
    startedAt: number,
  ) {
    this.#settings = settings
    this.#stage = stage
    this.#executingClass = executingClass
    this.#deadline = startedAt + settings.retryTimeoutMs
  }

  isOf({ stage, executingClass }: RecordFailure): boolean {
    return stage === this.#stage && executingClass === this.#executingClass
  }

  /** Returns the delay before the next attempt, in milliseconds; null when the time for retries has passed. */
  next(now: number, random = Math.random()): number | null {
    const left = this.#deadline - now
    if (left <= 0) return null
    const { retryDelayMaxMs } = this.#settings
    const doubled = initialDelayMs * 2 ** Math.min(this.#attempts, maxDoublings)
    this.#attempts += 1
    return Math.min(doubled > retryDelayMaxMs ? random * retryDelayMaxMs : doubled, left)
  }
}
