import { RetriableError } from '../../../api/errors.ts'
import type { SinkTask } from '../../../api/task.ts'
import { abortable } from '../../../foundation/async/abortable.ts'
import type { Clock } from '../../../foundation/clock.ts'
import type { TopicPartition } from '../../../foundation/topic-partition.ts'
import { isRetriable } from '../../failures.ts'
import type { RetryStreak } from '../retry-streak.ts'
import type { TaskControl } from '../task-control.ts'
import { joinBatches, withoutPartitions, type SinkBatch } from './sink-batch.ts'
import type { SinkMeters } from './sink-meters.ts'
import type { SinkPositions } from './sink-positions.ts'
import type { SinkRequests } from './sink-requests.ts'

export interface SinkDeliveryOptions {
  readonly control: TaskControl
  readonly positions: SinkPositions
  readonly requests: SinkRequests
  readonly meters: SinkMeters
  readonly retries: RetryStreak
  readonly clock: Clock
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

/** Gives batches to the task. A batch that it rejects retriably is kept and put again until it is accepted (I7). */
export class SinkDelivery {
  readonly #options: SinkDeliveryOptions
  #state: DeliveryState = idle
  #running: Promise<void> | null = null

  constructor(options: SinkDeliveryOptions) {
    this.#options = options
  }

  get isPending(): boolean {
    return this.#state.kind === 'pendingRedelivery'
  }

  /** When the pending batch is put again, in monotonic milliseconds; infinite when none is pending. */
  get retryAt(): number {
    return this.#state.kind === 'pendingRedelivery' ? this.#state.retryAt : Number.POSITIVE_INFINITY
  }

  /** The `put` that has not returned; null when there is none. When it returns, its records count as delivered. */
  get running(): Promise<void> | null {
    return this.#running
  }

  /**
   * Puts the pending batch, if any, and what was polled after it. Before its retry is due, the batch only grows.
   * @returns whether the task accepted records or offsets
   * @throws what `put` throws unless it is retriable, or the reason of the stop
   */
  async deliver(task: SinkTask, polled: SinkBatch): Promise<boolean> {
    const { clock } = this.#options
    if (this.#state.kind === 'idle') return await this.#put(task, polled)
    const batch = joinBatches(this.#state.batch, polled)
    if (clock.monotonic() >= this.#state.retryAt) return await this.#put(task, batch)
    this.#state = { ...this.#state, batch }
    return false
  }

  /** Drops what is pending of these partitions: they are revoked, or are read again from another offset. */
  drop(partitions: readonly TopicPartition[]): void {
    if (this.#state.kind === 'idle') return
    this.#state = { ...this.#state, batch: withoutPartitions(this.#state.batch, partitions) }
  }

  async #put(task: SinkTask, batch: SinkBatch): Promise<boolean> {
    const { control, positions, requests, meters, retries, clock } = this.#options
    requests.wakeAt = Number.POSITIVE_INFINITY
    const startedAt = clock.monotonic()
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
    }
    this.#running = null
    this.#state = idle
    retries.recordSuccess()
    meters.put(batch.records.length, (clock.monotonic() - startedAt) / 1000)
    return batch.nextOffsets.size > 0
  }
}
