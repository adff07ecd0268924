import { BatchBuilder, type FinishOptions } from '../../protocol/record-batch/batch-builder.ts'
import type { ProducerBatch } from './producer-batch.ts'

const maxFree = 16
const maxFreeWhenIdle = 2
const initialBytes = 64 * 1024
/** A larger buffer is left to the garbage collector (I10). */
const maxPooledBytes = 1024 * 1024

/** A batch as bytes; `pooledBuilder` is the builder whose buffer holds them, null when they have a buffer of their own. */
export interface ClosedBatch {
  readonly bytes: Buffer
  readonly pooledBuilder: BatchBuilder | null
}

/**
 * The batch builders of a producer, whose buffers are large enough to be worth reusing. A batch without compression is sent
 * from the buffer in which it was built, so its builder is in use until {@link settled}.
 */
export class BatchPool {
  readonly #free: BatchBuilder[] = []

  /** Returns an empty builder. */
  take(): BatchBuilder {
    return this.#free.pop() ?? new BatchBuilder(initialBytes)
  }

  /** Finishes the batch in `builder`, which must not be used afterwards. */
  close(builder: BatchBuilder, options: FinishOptions): ClosedBatch {
    const { batch: bytes, lends } = builder.finishLending(options)
    if (lends) return { bytes, pooledBuilder: builder }
    this.#reuse(builder)
    return { bytes, pooledBuilder: null }
  }

  /**
   * The outcome of a batch is known. Its buffer is reused only after an acknowledgement of the only attempt: after a second
   * attempt, the socket of the first one may still be reading the buffer.
   */
  settled({ pooledBuilder, attempts, lastError }: ProducerBatch, error: Error | null): void {
    if (pooledBuilder !== null && error === null && attempts === 1 && lastError === null) this.#reuse(pooledBuilder)
  }

  /** Keeps only a few builders: the producer has nothing left to send. */
  shrink(): void {
    this.#free.length = Math.min(this.#free.length, maxFreeWhenIdle)
  }

  #reuse(builder: BatchBuilder): void {
    if (this.#free.length >= maxFree || builder.capacity > maxPooledBytes) return
    builder.reset()
    this.#free.push(builder)
  }
}
