import { errorCodes } from '../../protocol/error-codes.ts'
import type { BatchHeader } from '../../protocol/record-batch/record-batch.ts'
import { RejectedBatchError } from '../log-error.ts'
import type { AbortedTransaction } from '../segment/transaction-index.ts'

/** Batches remembered for each producer: an idempotent producer has at most five in flight. */
const rememberedBatches = 5
/** The largest sequence number. 0 follows it. */
export const maxSequence = 0x7fff_ffff

/** A batch with the sequence numbers of its producer. */
export interface ProducedBatch {
  readonly firstSequence: number
  readonly lastSequence: number
  readonly lastOffset: number
  readonly offsetDelta: number
  /**
   * The largest timestamp of the batch, in milliseconds of the epoch. If the state was read from a snapshot, the youngest batch of
   * a producer has {@link ProducerEntry.lastWriteMs} instead.
   */
  readonly timestamp: number
}

/** The last state of one producer in this partition. */
export interface ProducerEntry {
  epoch: number
  coordinatorEpoch: number
  /** The first offset of its open transaction; -1 without. */
  transactionFirstOffset: number
  /** When it last wrote, by this machine's clock; for batches that a recovery read from the log, the time of the recovery. */
  lastWriteMs: number
  /** Its last batches, at most five; the youngest is the last. */
  batches: ProducedBatch[]
}

/** The contents of a marker that ends a transaction. */
export interface EndMarker {
  readonly commits: boolean
  readonly coordinatorEpoch: number
}

/** Returns the last sequence number of `count` records from `first` on. */
export function lastSequenceOf(first: number, count: number): number {
  const last = first + count - 1
  return last > maxSequence ? last - maxSequence - 1 : last
}

/**
 * The idempotent producers of one partition (KIP-98): the next sequence numbers, recent batches, fenced epochs and open
 * transactions. It can be rebuilt from the batches of the log; the snapshot file makes that faster.
 */
export class ProducerState {
  readonly entries = new Map<number, ProducerEntry>()
  /** Open transactions, and ended ones whose marker is not below the high watermark yet: first offset → marker offset or null. */
  readonly #unstable = new Map<number, number | null>()

  /**
   * Checks whether a batch may be appended. A producer that is not known may begin with any sequence.
   * @returns the appended batch that it repeats; null for a new batch.
   * @throws RejectedBatchError INVALID_PRODUCER_EPOCH, OUT_OF_ORDER_SEQUENCE_NUMBER or INVALID_TXN_STATE.
   */
  check(header: BatchHeader): ProducedBatch | null {
    const entry = this.entries.get(header.producerId)
    if (entry === undefined) return null
    const first = header.baseSequence
    const last = lastSequenceOf(first, header.lastOffsetDelta + 1)
    if (header.producerEpoch < entry.epoch) {
      throw rejected('INVALID_PRODUCER_EPOCH', header, `epoch ${header.producerEpoch} is older than ${entry.epoch}`)
    }
    if (header.producerEpoch === entry.epoch) {
      const same = entry.batches.find((batch) => batch.firstSequence === first && batch.lastSequence === last)
      if (same !== undefined) return same
    }
    const previous = header.producerEpoch > entry.epoch ? undefined : entry.batches.at(-1)
    const expected = previous === undefined ? 0 : lastSequenceOf(previous.lastSequence, 2)
    if (first !== expected) {
      throw rejected('OUT_OF_ORDER_SEQUENCE_NUMBER', header, `sequence ${first} came, ${expected} comes next`)
    }
    if (!header.isTransactional && entry.transactionFirstOffset >= 0) {
      throw rejected('INVALID_TXN_STATE', header, 'a transaction of this producer is open in this partition')
    }
    return null
  }

  /** Adds an appended batch that is not a control batch. `header` has its offsets in the log. */
  noteBatch(header: BatchHeader, nowMs: number): void {
    if (header.producerId < 0) return
    const entry = this.#entry(header, nowMs)
    if (header.producerEpoch > entry.epoch) entry.batches = []
    entry.epoch = header.producerEpoch
    entry.lastWriteMs = nowMs
    entry.batches.push({
      firstSequence: header.baseSequence,
      lastSequence: lastSequenceOf(header.baseSequence, header.lastOffsetDelta + 1),
      lastOffset: header.lastOffset,
      offsetDelta: header.lastOffsetDelta,
      timestamp: header.maxTimestamp,
    })
    if (entry.batches.length > rememberedBatches) entry.batches.shift()
    if (header.isTransactional && entry.transactionFirstOffset < 0) {
      entry.transactionFirstOffset = header.baseOffset
      this.#unstable.set(header.baseOffset, null)
    }
  }

  /**
   * Checks whether a marker may be appended.
   * @throws RejectedBatchError INVALID_PRODUCER_EPOCH or TRANSACTION_COORDINATOR_FENCED.
   */
  checkMarker(header: BatchHeader, marker: EndMarker): void {
    const entry = this.entries.get(header.producerId)
    if (entry === undefined) return
    if (header.producerEpoch < entry.epoch) {
      throw rejected('INVALID_PRODUCER_EPOCH', header, `epoch ${header.producerEpoch} is older than ${entry.epoch}`)
    }
    if (marker.coordinatorEpoch < entry.coordinatorEpoch) {
      throw rejected('TRANSACTION_COORDINATOR_FENCED', header, `coordinator epoch ${marker.coordinatorEpoch} is old`)
    }
  }

  /**
   * Adds an appended marker.
   * @returns the entry for the transaction index if the marker aborts a transaction, else null.
   */
  noteMarker(header: BatchHeader, marker: EndMarker, nowMs: number): AbortedTransaction | null {
    const entry = this.#entry(header, nowMs)
    const firstOffset = entry.transactionFirstOffset
    if (header.producerEpoch > entry.epoch) entry.batches = []
    entry.epoch = header.producerEpoch
    entry.coordinatorEpoch = marker.coordinatorEpoch
    entry.lastWriteMs = nowMs
    entry.transactionFirstOffset = -1
    if (firstOffset < 0) return null
    this.#unstable.set(firstOffset, header.lastOffset)
    if (marker.commits) return null
    const lastStableOffset = this.#firstOpen(header.lastOffset + 1)
    return { producerId: header.producerId, firstOffset, lastOffset: header.lastOffset, lastStableOffset }
  }

  /**
   * Returns the first offset of the transactions that are open at the high watermark; the high watermark without one. Forgets
   * transactions whose marker is below it.
   */
  lastStableOffset(highWatermark: number): number {
    if (this.#unstable.size === 0) return highWatermark
    let stable = highWatermark
    for (const [firstOffset, marker] of this.#unstable) {
      if (marker !== null && marker < highWatermark) this.#unstable.delete(firstOffset)
      else stable = Math.min(stable, firstOffset)
    }
    return stable
  }

  /** Forgets producers that have been idle for `expirationMs`; never one with an open transaction. */
  expire(nowMs: number, expirationMs: number): void {
    for (const [producerId, entry] of this.entries) {
      if (entry.transactionFirstOffset < 0 && nowMs - entry.lastWriteMs >= expirationMs) this.entries.delete(producerId)
    }
  }

  /** Sets the state of a producer, as a snapshot has it. */
  restore(producerId: number, entry: ProducerEntry): void {
    this.entries.set(producerId, entry)
    if (entry.transactionFirstOffset >= 0) this.#unstable.set(entry.transactionFirstOffset, null)
  }

  #entry(header: BatchHeader, nowMs: number): ProducerEntry {
    const known = this.entries.get(header.producerId)
    if (known !== undefined) return known
    const entry: ProducerEntry = {
      epoch: header.producerEpoch,
      coordinatorEpoch: -1,
      transactionFirstOffset: -1,
      lastWriteMs: nowMs,
      batches: [],
    }
    this.entries.set(header.producerId, entry)
    return entry
  }

  #firstOpen(end: number): number {
    let first = end
    for (const [firstOffset, marker] of this.#unstable) if (marker === null) first = Math.min(first, firstOffset)
    return first
  }
}

function rejected(name: keyof typeof errorCodes, header: BatchHeader, why: string): RejectedBatchError {
  return new RejectedBatchError(
    errorCodes[name],
    `producer ${header.producerId}, epoch ${header.producerEpoch}: ${why}`,
  )
}
