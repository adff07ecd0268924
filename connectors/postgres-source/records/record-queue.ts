import { deferred, type Deferred, type SourceRecord } from 'penstock/api'

/** Limits of what may wait between the database and `poll` (I10). */
export interface QueueLimits {
  /** Records of one answer to `poll`. */
  readonly batchSize: number
  /** Records that may wait; past it the source is pushed back. */
  readonly maxRecords: number
  /** Bytes, as the database sent them, that may wait. */
  readonly maxBytes: number
}

interface Batch {
  records: SourceRecord[]
  bytes: number
}

/** Records between the reader of the database and `poll`, in batches. */
export class RecordQueue {
  readonly #limits: QueueLimits
  #batches: Batch[] = []
  #last: Batch | null = null
  #count = 0
  #bytes = 0
  #arrival: Deferred<void> | null = null
  #room: Deferred<void> | null = null
  #error: Error | null = null
  /** Called when a full queue has room again. */
  onRoom: () => void = () => undefined

  constructor(limits: QueueLimits) {
    this.#limits = limits
  }

  get isEmpty(): boolean {
    return this.#count === 0
  }

  /** The record that waits longest. */
  get first(): SourceRecord | null {
    return this.#batches[0]?.records[0] ?? null
  }

  get isFull(): boolean {
    return this.#count >= this.#limits.maxRecords || this.#bytes >= this.#limits.maxBytes
  }

  /** Adds a record that took `bytes` bytes of input. Never refused: whoever adds looks at {@link isFull} in time. */
  push(record: SourceRecord, bytes: number): void {
    let batch = this.#last
    if (batch === null || batch.records.length >= this.#limits.batchSize || batch.bytes >= this.#limits.maxBytes) {
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

  /** Resolves when there is room, or the queue has failed. */
  async room(): Promise<void> {
    while (this.isFull && this.#error === null) {
      this.#room ??= deferred<void>()
      await this.#room.promise
    }
  }

  /** Makes `take` throw once what was pushed is taken. The first failure counts. */
  fail(error: Error): void {
    this.#error ??= error
    this.#arrival?.resolve()
    this.#arrival = null
    this.#room?.resolve()
    this.#room = null
  }

  /** The next batch, in order; null when `signal` fires first. @throws what {@link fail} was told. */
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
