import { RetriableError } from '../../../api/errors.ts'
import type { SinkTask, TaskContext } from '../../../api/task.ts'
import type { FetchedRecord } from '../../../client/consumer/fetched-record.ts'
import { abortable } from '../../../foundation/async/abortable.ts'
import { DeadlineExceededError, withDeadline } from '../../../foundation/async/deadline.ts'
import type { Clock } from '../../../foundation/clock.ts'
import type { TopicPartition } from '../../../foundation/topic-partition.ts'
import { isRetriable } from '../../failures.ts'
import type { ConversionWait } from '../conversion/conversion-not-ready-error.ts'
import type { Converters } from '../conversion/record-encoder.ts'
import type { ErrantRecords } from '../errors/errant-records.ts'
import type { LetterReplay } from '../errors/dead-letters/letter-replay.ts'
import type { KeyParking } from '../errors/parking/key-parking.ts'
import type { TaskErrors } from '../errors/task-errors.ts'
import type { RetryStreak } from '../retry-streak.ts'
import type { TaskControl } from '../task-control.ts'
import type { TransformStep } from '../conversion/transform-chain.ts'
import { emptyBatch, joinBatches, withoutPartitions, type SinkBatch } from './sink-batch.ts'
import { SinkConversion } from './sink-conversion.ts'
import type { SinkMeters } from './sink-meters.ts'
import type { SinkPositions } from './sink-positions.ts'
import type { SinkRequests } from './sink-requests.ts'

export interface SinkDeliveryOptions {
  readonly control: TaskControl
  readonly positions: SinkPositions
  readonly requests: SinkRequests
  readonly meters: SinkMeters
  readonly retries: RetryStreak
  /** Of conversions, which may wait while `put` succeeds. */
  readonly conversionRetries: RetryStreak
  readonly converters: Converters
  readonly transforms: readonly TransformStep[]
  readonly errors: TaskErrors<FetchedRecord>
  /** Absent or null: no keys are parked. */
  readonly parking?: KeyParking | null
  /** The records that the task has reported; absent or null: it reports none. */
  readonly reports?: ErrantRecords | null
  /** Absent or null: no records are delivered again. */
  readonly replay?: LetterReplay | null
  readonly clock: Clock
  readonly setCondition: TaskContext['setCondition']
  /** Whether this worker may act upon its assignment; absent: always. */
  readonly mayWrite?: () => boolean
}

type DeliveryState =
  | { readonly kind: 'idle' }
  /** `put` failed with a RetriableError. The batch is put again at `retryAt`, in monotonic milliseconds. */
  | { readonly kind: 'pendingRedelivery'; readonly batch: SinkBatch; readonly retryAt: number }

const cutOff =
  'the worker has not heard from its group for session.timeout.ms, and others may run its tasks: it waits for its group'
const idle: DeliveryState = { kind: 'idle' }

/** How long a turn of the task waits for a converter or transform. After that, polling continues, so that the group can rebalance. */
const conversionPatienceMs = 500
/** A `put` that takes longer is shown in the status, because nothing is polled meanwhile. Milliseconds. */
const shownAfterMs = 30_000
const waitingCode = 'PUT_WAITS'

/**
 * Converts what was fetched and gives it to the task. A batch that it rejects retriably is kept and put again until it is
 * accepted (I7). What a converter is not ready for is kept too, with all that was fetched after it.
 */
export class SinkDelivery {
  readonly #options: SinkDeliveryOptions
  #state: DeliveryState = idle
  #running: Promise<void> | null = null
  readonly #conversion: SinkConversion
  /** When records that wait for a converter are converted again, in monotonic milliseconds. */
  #convertAt = 0
  /** The waits, each of which continues while the task polls. */
  readonly #readiness = new WeakMap<ConversionWait, Promise<void>>()

  constructor(options: SinkDeliveryOptions) {
    this.#options = options
    this.#conversion = new SinkConversion(options)
  }

  /** Whether records wait for `put` or for a converter. */
  get isPending(): boolean {
    return this.#state.kind === 'pendingRedelivery' || this.#conversion.isPending
  }

  /** When they are tried again, in monotonic milliseconds; infinite when none waits. */
  get retryAt(): number {
    if (this.#state.kind === 'pendingRedelivery') return this.#state.retryAt
    if (!this.#conversion.isPending) return Number.POSITIVE_INFINITY
    return this.#conversion.wait === null ? 0 : this.#convertAt
  }

  /** The `put` that has not returned; null when there is none. When it returns, its records count as delivered. */
  get running(): Promise<void> | null {
    return this.#running
  }

  /**
   * Puts the pending batch, if any, and what was polled after it. Before its retry is due, what is pending only grows.
   * @returns whether the task accepted records or offsets
   * @throws what `put` throws unless it is retriable, the error of a record that must not be skipped, or the reason of the stop
   */
  async deliver(task: SinkTask, polled: readonly FetchedRecord[]): Promise<boolean> {
    const isEarly = this.isPending && this.#options.clock.monotonic() < this.retryAt
    this.#conversion.keep(polled)
    if (isEarly) return false
    return await this.#put(task, this.#state.kind === 'idle' ? await this.#convert() : this.#state.batch)
  }

  /** Converts what is kept. Waits a moment for a converter that is not ready; else {@link isPending} is true afterwards. */
  async #convert(): Promise<SinkBatch> {
    let batch = emptyBatch
    let { wait } = this.#conversion
    do {
      if (wait !== null && !(await this.#isReady(wait))) return batch
      batch = joinBatches(batch, this.#conversion.convert())
      wait = this.#conversion.wait
    } while (wait !== null)
    this.#options.conversionRetries.recordSuccess()
    return batch
  }

  /** Also returns true when the record can never be converted: then it has failed. */
  async #isReady(wait: ConversionWait): Promise<boolean> {
    const { clock, control, conversionRetries } = this.#options
    const signal = control.stopSignal
    const ready = this.#readiness.get(wait) ?? wait.ready(signal)
    ready.catch(() => undefined)
    this.#readiness.set(wait, ready)
    try {
      await withDeadline({ clock, ms: conversionPatienceMs, signal }, async () => await ready)
      return true
    } catch (error) {
      if (control.isEnding) throw error
      this.#convertAt = clock.monotonic()
      if (error instanceof DeadlineExceededError) return false
      this.#readiness.delete(wait)
      if (!isRetriable(error)) {
        this.#conversion.refuse(wait.explain(error))
        return true
      }
      this.#convertAt += conversionRetries.failed('conversion', error)
      return false
    }
  }

  /** Drops what is pending of these partitions: they are revoked, or are read again from another offset. */
  drop(partitions: readonly TopicPartition[]): void {
    this.#conversion.drop(partitions)
    if (this.#state.kind === 'idle') return
    this.#state = { ...this.#state, batch: withoutPartitions(this.#state.batch, partitions) }
  }

  async #put(task: SinkTask, batch: SinkBatch): Promise<boolean> {
    const { control, positions, requests, meters, retries, clock } = this.#options
    requests.wakeAt = Number.POSITIVE_INFINITY
    const startedAt = clock.monotonic()
    const shown = this.#showLongPut()
    try {
      if (this.#options.mayWrite?.() === false) throw new RetriableError(cutOff, { code: 'WORKER_CUT_OFF' })
      // Also when the stop does not wait for it: what the task has taken is committed before the task ends.
      this.#running = task.put(batch.records).then(() => {
        for (const next of batch.nextOffsets.values()) positions.delivered(next.topic, next.partition, next.offset)
      })
      await abortable(this.#running, control.stopSignal)
    } catch (error) {
      // A `put` that the stop interrupted may still run: `running` keeps it.
      if (control.isEnding || !isRetriable(error)) throw error
      this.#running = null
      this.#state = { kind: 'pendingRedelivery', batch, retryAt: clock.monotonic() + retries.failed('put', error) }
      return false
    } finally {
      shown()
    }
    this.#running = null
    this.#state = idle
    retries.recordSuccess()
    meters.put(batch.records.length, (clock.monotonic() - startedAt) / 1000)
    return batch.nextOffsets.size > 0
  }

  /** Shows a `put` that takes long. Returns a function that ends this. */
  #showLongPut(): () => void {
    const { clock, setCondition } = this.#options
    let isShown = false
    const cancel = clock.after(shownAfterMs, () => {
      isShown = true
      setCondition(waitingCode, waitingText(new Date(clock.now() - shownAfterMs).toISOString()))
    })
    return () => {
      cancel()
      if (isShown) setCondition(waitingCode, null)
    }
  }
}

function waitingText(since: string): string {
  return (
    `put has not returned since ${since}. Meanwhile the task reads nothing and a rebalance of its group waits for it; after ` +
    'max.poll.interval.ms its partitions move to other tasks'
  )
}
