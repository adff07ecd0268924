import { ConnectError } from '../../../api/errors.ts'
import type { SourceRecord } from '../../../api/record.ts'
import type { OutgoingRecord } from '../../../client/producer/outgoing-record.ts'
import { abortable } from '../../../foundation/async/abortable.ts'
import { ConversionNotReadyError } from '../conversion/conversion-not-ready-error.ts'
import type { RecordEncoder } from '../conversion/record-encoder.ts'
import { applyTransforms, type TransformStep } from '../conversion/transform-chain.ts'
import type { TaskErrors } from '../errors/task-errors.ts'
import type { RetryStreak } from '../retry-streak.ts'
import type { TaskControl } from '../task-control.ts'

export interface SourceConversionOptions {
  readonly transforms: readonly TransformStep[]
  readonly encoder: RecordEncoder
  readonly errors: TaskErrors<SourceRecord>
  readonly control: TaskControl
  readonly retries: RetryStreak
}

/** What a record without bytes for the broker is: dropped by a transform, or skipped because it fails. */
export type Unsent = 'dropped' | 'skipped'

/**
 * Transforms and encodes records in their order. A record whose transforms or converters are not ready, or that is tried again, keeps its place,
 * and those after it wait.
 */
export class SourceConversion {
  readonly #options: SourceConversionOptions
  #wait: ConversionNotReadyError | null = null
  #delayMs = 0

  constructor(options: SourceConversionOptions) {
    this.#options = options
  }

  /** Returns 'pending' when the record has to wait: then {@link convertWhenReady} follows. @throws the error of a record that must not be skipped */
  convert(record: SourceRecord): OutgoingRecord | Unsent | 'pending' {
    const { transforms, encoder, errors } = this.#options
    if (record.failure !== undefined) return this.#afterError(record, unreadable(record, record.failure))
    try {
      const transformed = transforms.length === 0 ? record : applyTransforms(transforms, record)
      const outgoing = transformed === null ? 'dropped' : encoder.encode(transformed)
      if (errors.isRetrying) errors.passed()
      return outgoing
    } catch (error) {
      return this.#afterError(record, error)
    }
  }

  /** Waits until the record is settled. Returns null when the task ends before. @throws as {@link convert} does */
  async convertWhenReady(record: SourceRecord): Promise<OutgoingRecord | Unsent | null> {
    const { control, retries } = this.#options
    let outcome: OutgoingRecord | Unsent | 'pending' | null = 'pending'
    while (outcome === 'pending' && !control.isEnding) {
      if (this.#wait === null) {
        await retries.wait(this.#delayMs)
        outcome = control.isEnding ? null : this.convert(record)
      } else outcome = await this.#convertAfter(this.#wait, record)
    }
    if (outcome === 'pending') return null
    retries.recordSuccess()
    return outcome
  }

  #afterError(record: SourceRecord, error: unknown): Unsent | 'pending' {
    const { errors, retries } = this.#options
    this.#wait = error instanceof ConversionNotReadyError ? error : null
    if (this.#wait !== null) return 'pending'
    const delayMs = errors.retryAfter(error)
    if (delayMs === null) {
      errors.failed(record, error)
      return 'skipped'
    }
    this.#delayMs = retries.failed('conversion', error, delayMs)
    return 'pending'
  }

  /** Waits, with retries, for a transform or converter; one that never gets ready fails the record. Returns null when the task ends before. */
  async #convertAfter(
    wait: ConversionNotReadyError,
    record: SourceRecord,
  ): Promise<OutgoingRecord | Unsent | 'pending' | null> {
    const { control, retries } = this.#options
    const { stopSignal } = control
    try {
      const isReady = await retries.retried('conversion', async () => {
        await abortable(wait.ready(stopSignal), stopSignal)
        return true
      })
      if (isReady === null) return null
    } catch (error) {
      return this.#afterError(record, wait.explain(error))
    }
    return this.convert(record)
  }
}

/** The class that the errors of a source name, as those of a sink name `SinkTask`. */
const readingClass = 'org.apache.kafka.connect.source.SourceTask'

function unreadable({ topic }: SourceRecord, failure: Error): ConnectError {
  return new ConnectError(`the task could not read a record for the topic ${topic}: ${failure.message}`, {
    cause: failure,
    stage: 'TASK_POLL',
    executingClass: readingClass,
  })
}
