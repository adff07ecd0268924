import { ConnectError } from '../../../../api/errors.ts'
import type { TaskContext } from '../../../../api/task.ts'
import type { OutgoingRecord } from '../../../../client/producer/outgoing-record.ts'
import type { Producer, ProducerListener } from '../../../../client/producer/producer.ts'
import { DeadlineExceededError, withDeadline } from '../../../../foundation/async/deadline.ts'
import type { Clock } from '../../../../foundation/clock.ts'
import { errorMessage } from '../../../../foundation/error-message.ts'
import type { Counter, TaskMetrics } from '../../../../foundation/metrics/metrics.ts'
import { isRetriable } from '../../../failures.ts'
import type { TaskControl } from '../../task-control.ts'

/** Where a task writes its dead letters. */
export interface DeadLetterTarget {
  readonly topic: string
  /** Creates the topic unless it exists. @throws a retriable error while brokers do not respond, else ConnectError */
  readonly prepare: (signal: AbortSignal) => Promise<void>
  readonly createProducer: (listener: ProducerListener) => Pick<Producer, 'append' | 'room' | 'flush' | 'close'>
}

export interface DeadLetterQueueOptions {
  readonly target: DeadLetterTarget
  readonly control: TaskControl
  readonly metrics: TaskMetrics
  readonly clock: Clock
  readonly setCondition: TaskContext['setCondition']
}

const code = 'DEAD_LETTER_QUEUE'

/**
 * Writes dead letters. A letter that cannot be written is retried; if that cannot help, it fails the task (I7). No offset may be
 * committed before the letters of the records before it are durable: {@link settled}.
 */
export class DeadLetterQueue {
  readonly #options: DeadLetterQueueOptions
  readonly #producer: ReturnType<DeadLetterTarget['createProducer']>
  readonly #requests: Counter
  readonly #failures: Counter
  #pending = 0
  #isLost = false
  #isClosed = false

  constructor(options: DeadLetterQueueOptions) {
    const { target, metrics, setCondition } = options
    this.#options = options
    const { requests, failures } = deadLetterMeters(metrics)
    this.#requests = requests
    this.#failures = failures
    this.#producer = target.createProducer({
      onAcknowledged: (tokens) => (this.#pending -= tokens.length),
      onFailed: (error, tokens) => {
        this.#pending -= tokens.length
        if (!this.#isClosed) options.control.fail(this.#lost(error, tokens.length))
      },
      onTrouble: (trouble) =>
        setCondition(
          'DEAD_LETTERS_WAIT',
          trouble === null
            ? null
            : `dead letters are not written to topic ${target.topic} yet, and no offset is committed meanwhile: ${trouble.message}`,
        ),
    })
  }

  get topic(): string {
    return this.#options.target.topic
  }

  /** Creates the topic unless it exists. @throws as {@link DeadLetterTarget.prepare} does */
  async prepare(signal: AbortSignal): Promise<void> {
    await prepareLetterTopic(this.#options.target, signal)
  }

  /** Writes a letter. Its bytes are copied. @throws ConnectError for a letter that can never be written */
  add(letter: OutgoingRecord): void {
    this.#requests.add(1)
    try {
      this.#producer.append(letter, 0)
    } catch (error) {
      throw this.#lost(error, 1)
    }
    this.#pending += 1
  }

  /** Null while there is room for more letters (I10); otherwise resolves when there is. */
  room(): Promise<void> | null {
    return this.#producer.room()
  }

  /** Returns whether all letters are durable, waiting for that for at most `ms`. */
  async settled(ms: number, signal: AbortSignal): Promise<boolean> {
    if (this.#pending === 0 || this.#isLost) return !this.#isLost
    try {
      return await withDeadline({ clock: this.#options.clock, ms, signal }, async (bound) => await this.durable(bound))
    } catch (error) {
      if (error instanceof DeadlineExceededError) return false
      throw error
    }
  }

  /** Waits until all letters are durable; returns false when one is lost. @throws the reason of the signal */
  async durable(signal: AbortSignal): Promise<boolean> {
    if (this.#pending > 0 && !this.#isLost) await this.#producer.flush(signal)
    return !this.#isLost
  }

  /** Waits for letters at most `ms`. Those that are not durable then may get lost: no offset behind them is committed. */
  async close(ms: number): Promise<void> {
    await this.settled(ms, new AbortController().signal)
    this.#isClosed = true
    await this.#producer.close(AbortSignal.abort())
  }

  #lost(cause: unknown, count: number): ConnectError {
    this.#failures.add(count)
    this.#isLost = true
    return lostLetter(this.topic, cause)
  }
}

/** The metrics of a dead letter queue. */
export function deadLetterMeters(metrics: TaskMetrics): { readonly requests: Counter; readonly failures: Counter } {
  return {
    requests: metrics.counter(
      'task_error_dead_letter_requests_total',
      'Records that were to be written to the dead letter queue (deadletterqueue-produce-requests)',
    ),
    failures: metrics.counter(
      'task_error_dead_letter_failures_total',
      'Records that could not be written to the dead letter queue (deadletterqueue-produce-failures)',
    ),
  }
}

/** Creates the topic unless it exists. @throws a retriable error while brokers do not respond, else ConnectError */
export async function prepareLetterTopic(
  { topic, prepare }: Pick<DeadLetterTarget, 'topic' | 'prepare'>,
  signal: AbortSignal,
): Promise<void> {
  try {
    await prepare(signal)
  } catch (error) {
    if (signal.aborted || isRetriable(error)) throw error
    throw new ConnectError(
      `the topic ${topic} of the dead letter queue does not exist and cannot be created: ${errorMessage(error)}. ` +
        'Create it, or correct errors.deadletterqueue.topic.replication.factor, then restart the task',
      { cause: error, code },
    )
  }
}

/** Returns the error of a letter that can never be written. */
export function lostLetter(topic: string, cause: unknown): ConnectError {
  return new ConnectError(
    `a record cannot be written to the topic ${topic} of the dead letter queue: ${errorMessage(cause)}. ` +
      'The offset of the record is not committed: correct this, then restart the task',
    { cause, code },
  )
}
