import { deferred, type Deferred, type SourceRecord } from 'penstock/api'

/** Limits of the queue between the database and `poll` (I10). */
export interface QueueLimits {
  /** Records that one `poll` returns at most. */
  readonly batchSize: number
  /** Records at which the queue is full and reading stops. */
  readonly maxRecords: number
  /** Bytes, as the database sent them, at which the queue is full. */
  readonly maxBytes: number
}

interface Batch {
  records: SourceRecord[]
  bytes: number
}

/** The queue of records between the database reader and `poll`, in batches. */
export class RecordQueue {
  readonly #limits: QueueLimits
  #batches: Batch[] = []
  #last: Batch | null = null
  #count = 0
  #bytes = 0
  #arrival: Deferred<void> | null = null
  #room: Deferred<void> | null = null
  /** Whether the last record is the last one of its change. */
  #isWhole = true
  #error: Error | null = null
  /** Called when a full queue has room again. */
  onRoom: () => void = () => undefined

  constructor(limits: QueueLimits) {
    this.#limits = limits
  }

  get isEmpty(): boolean {
    return this.#count === 0
  }

  /** The oldest record. */
  get first(): SourceRecord | null {
    return this.#batches[0]?.records[0] ?? null
  }

  get isFull(): boolean {
    return this.#count >= this.#limits.maxRecords || this.#bytes >= this.#limits.maxBytes
  }

  /**
   * Adds a record that took `bytes` bytes of input. Never rejects: the caller stops reading when {@link isFull}. The records of
   * a change, which `isLast` ends, stay in one batch: a stop between two batches repeats none of them.
   */
  push(record: SourceRecord, bytes: number, isLast = true): void {
    let batch = this.#last
    const isFull =
      this.#isWhole &&
      batch !== null &&
      (batch.records.length >= this.#limits.batchSize || batch.bytes >= this.#limits.maxBytes)
    this.#isWhole = isLast
    if (batch === null || isFull) {
      batch = { records: [], bytes: 0 }
      this.#batches.push(batch)
      this.#last = batch
    }
    batch.records.push(record)
    batch.bytes += bytes
    this.#count += 1
    this.#bytes += bytes
    if (this.#arrival !== null) {
      this.#arrival.resolve()
      this.#arrival = null
    }
  }

  /** Resolves when the queue has room or has failed. */
  async room(): Promise<void> {
    while (this.isFull && this.#error === null) {
      this.#room ??= deferred<void>()
      await this.#room.promise
    }
  }

  /** Makes `take` throw after the records that were pushed before. The first failure counts. */
  fail(error: Error): void {
    this.#error ??= error
    this.#arrival?.resolve()
    this.#arrival = null
    this.#room?.resolve()
    this.#room = null
  }

  /** Returns the next batch, in order; null when `signal` is aborted first. @throws the error of {@link fail} */
  async take(signal: AbortSignal): Promise<readonly SourceRecord[] | null> {
    while (!signal.aborted) {
      const batch = this.#batches.shift()
      if (batch !== undefined) {
        this.#taken(batch)
        return batch.records
      }
      if (this.#error !== null) throw this.#error
      this.#arrival ??= deferred<void>()
      const arrival = this.#arrival
      const onAbort = (): void => arrival.resolve()
      signal.addEventListener('abort', onAbort, { once: true })
      await arrival.promise
      signal.removeEventListener('abort', onAbort)
      if (this.#arrival === arrival) this.#arrival = null
    }
    return null
  }

  #taken(batch: Batch): void {
    const wasFull = this.isFull
    if (this.#last === batch) this.#last = null
    this.#count -= batch.records.length
    this.#bytes -= batch.bytes
    if (!wasFull || this.isFull) return
    this.#room?.resolve()
    this.#room = null
    this.onRoom()
  }
}
