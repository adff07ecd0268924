import type { IsolationLevel } from '../protocol/isolation-level.ts'
import type { Clock } from '../foundation/clock.ts'
import type { Logger } from '../foundation/logging/logger.ts'
import type { BatchHeader } from '../protocol/record-batch/record-batch.ts'
import type { VerifiedBatch } from '../protocol/record-batch/verified-batch.ts'
import { AppendTurns } from './append-turns.ts'
import { checkBatch, type Origin } from './batch-check.ts'
import { noReserve, type SpaceReserve } from './disk/disk-full.ts'
import { DurableSegments } from './disk/durable-segments.ts'
import { readEndMarker } from './producers/end-marker.ts'
import type { FileSystem } from './disk/file-system.ts'
import { findMaxTimestamp, findTimestamp } from './segment/find-timestamp.ts'
import { loadPartition, type LoadedPartition } from './recovery/load-partition.ts'
import type { LogConfig } from './log-config.ts'
import { OffsetOutOfRangeError, StorageError } from './log-error.ts'
import { PartitionUpkeep, type PartitionState } from './upkeep/partition-upkeep.ts'
import { rebuildProducers } from './producers/producer-recovery.ts'
import type { EndMarker, ProducedBatch, ProducerState } from './producers/producer-state.ts'
import { abortedBetween, readBatches } from './segment/read-batches.ts'
import type { Segment, TimestampOffset } from './segment/segment.ts'
import type { AbortedTransaction } from './segment/transaction-index.ts'

/*
 * One partition: an append-only sequence of record batches that survives the loss of power.
 *
 *   penstock-data/orders-0/
 *     00000000000000000000.log         batches, byte for byte as the producer sent them, but for offset and leader epoch
 *     00000000000000000000.index       offset → position, every 4 KiB
 *     00000000000000000000.timeindex   time → offset
 *     00000000000000000000.txnindex    aborted transactions, when there are any
 *     00000000000000031416.log …       the next segment; the last one is written
 *     00000000000000031416.snapshot    sequences of idempotent producers before that offset
 *     partition-checkpoint             log start, recovery point; with a checksum
 *     ….log.damaged-<position>-<end>   what recovery cut off behind damage, for a person; see damaged-tail.ts
 *
 *   log start          durable end = high watermark          log end
 *       |  ..deleted..|============ visible ===========|--- being synced ---|
 *
 * What holds, whatever happens:
 * - `append` resolves only when the batch and everything before it are synced (I1, I5). Readers see nothing beyond what is
 *   synced, so nobody sees a record that a crash can take back; the high watermark never falls (I6).
 * - Batches that arrive while a sync is under way share the next one (group commit).
 * - A write that fails (a full disk) leaves the log as it was, and the next append tries again. The torn bytes are cut off
 *   before anything else is written or a segment begins.
 * - A sync that fails is never repeated: the kernel may have dropped the dirty pages, and a second sync would then succeed
 *   without them. The log is cut back to its durable end at once, all waiting appends fail, and the partition refuses writes
 *   until its files were cut and synced and all that derives from them (producers, indexes) is rebuilt. Reads continue.
 * - Changes of one partition's files (checkpoint, retention, compaction, recovery) run one at a time.
 */

/** How long a partition that failed refuses writes before it tries to recover. */
const recoveryPauseMs = 1000
const leaderEpoch = 0
const noBytes = Buffer.alloc(0)

/** What `append` answers. `logAppendTime` is -1 unless the topic stamps its own time. */
export interface Appended {
  readonly baseOffset: number
  readonly lastOffset: number
  readonly logAppendTime: number
  readonly logStartOffset: number
  /** Whether the batch was there already (an idempotent producer sent it again). */
  readonly isDuplicate: boolean
}

/** What `read` is asked for. */
export interface ReadRequest {
  readonly offset: number
  readonly maxBytes: number
  readonly isolation: IsolationLevel
  /** Whether the first batch comes whole even when it is larger than `maxBytes`. */
  readonly minOneBatch: boolean
}

/** What `read` answers: whole batches, and the positions of the log at that moment. */
export interface ReadAnswer {
  readonly batches: Buffer
  readonly nextOffset: number
  readonly highWatermark: number
  readonly lastStableOffset: number
  readonly logStartOffset: number
  /** Sorted by first offset; null for `read_uncommitted`. */
  readonly abortedTransactions: readonly AbortedTransaction[] | null
}

/** What a partition is opened with. */
export interface PartitionLogOptions {
  readonly fs: FileSystem
  readonly directory: string
  readonly config: LogConfig
  readonly clock: Clock
  readonly logger: Logger
  /** Makes room for deletions on a full disk. */
  readonly reserve?: SpaceReserve
  /** Whether whoever opens many partitions has them write their checkpoints after a recovery. */
  readonly checkpointsLater?: boolean
}

/** One partition's log. */
export class PartitionLog {
  readonly #state: PartitionState
  readonly #segments: DurableSegments
  readonly #upkeep: PartitionUpkeep
  readonly #clock: Clock
  readonly #listeners = new Set<() => void>()
  #failedAtMs = 0
  readonly #turns = new AppendTurns()
  #recovering: Promise<void> | null = null
  #closed = false
  readonly #closing = new AbortController()
  /** Ends a compaction when a sync fails: appends wait for the recovery, which waits for its turn behind it. */
  #compacting = new AbortController()

  private constructor(options: PartitionLogOptions, loaded: LoadedPartition) {
    const { fs, directory, logger, config, clock, reserve = noReserve } = options
    const told = { onDurable: () => this.#advanced(), onFailure: (error: StorageError) => this.#failed(error) }
    this.#clock = clock
    this.#segments = new DurableSegments(loaded, { fs, directory, logger, ...told })
    const { producers, logStartOffset, checkpoint } = loaded
    const segments = this.#segments
    this.#state = { fs, directory, logger, config, segments, reserve, producers, logStartOffset, checkpoint }
    this.#upkeep = new PartitionUpkeep(this.#state)
  }

  /**
   * Opens the partition in `directory`, making it when it is not there, after recovery of exactly its valid prefix.
   * @throws the system's error when the files cannot be read.
   */
  static async open(options: PartitionLogOptions): Promise<PartitionLog> {
    const loaded = await loadPartition({ ...options, nowMs: options.clock.now() })
    const log = new PartitionLog(options, loaded)
    if (loaded.recovered && options.checkpointsLater !== true) log.#upkeep.startCheckpoint()
    return log
  }

  get directory(): string {
    return this.#state.directory
  }

  get config(): LogConfig {
    return this.#state.config
  }

  /** The first offset that can be read. */
  get logStartOffset(): number {
    return this.#state.logStartOffset
  }

  /** The offset the next record gets. */
  get logEndOffset(): number {
    return this.#segments.endOffset
  }

  /** Everything below it is durable and visible. */
  get highWatermark(): number {
    return this.#segments.durable.offset
  }

  /** The first offset of an open transaction, else the high watermark. */
  get lastStableOffset(): number {
    return this.#state.producers.lastStableOffset(this.highWatermark)
  }

  /** Bytes of all segments. */
  get sizeInBytes(): number {
    return this.#segments.sizeInBytes
  }

  /** The idempotent producers the partition knows. */
  get producers(): ProducerState {
    return this.#state.producers
  }

  /** Why the partition refuses writes; null while it takes them. */
  get failure(): StorageError | null {
    return this.#segments.failure
  }

  /** Calls `listener` whenever the high watermark rose, and once when the log closes. The answer stops it. */
  onAdvance(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /**
   * Appends one batch; resolves when it is durable. Its offset, leader epoch and, on topics with the broker's time, its
   * timestamp are written into `batch`. A batch that its idempotent producer sent before is answered with its first offset.
   * @throws RejectedBatchError for a batch the log does not take; StorageError when it cannot be stored, and may be sent again.
   */
  async append(batch: VerifiedBatch, origin: Origin = 'client'): Promise<Appended> {
    for (;;) {
      while (this.#segments.failure !== null) await this.#recover(this.#segments.failure)
      const turn = this.#turns.next(() => this.#segments.active.room())
      if (turn === null) break
      await turn
      this.#turns.taken(turn)
      if (this.#segments.failure === null) break
    }
    this.#requireOpen()
    const { config } = this.#state
    const nowMs = this.#clock.now()
    checkBatch(batch, config, nowMs, origin)
    const marker = batch.header.isControl ? readEndMarker(batch) : null
    const repeated = this.#checkProducer(batch.header, marker)
    if (repeated !== null) return this.#answerAgain(repeated)
    this.#rollFor(batch.header, nowMs)
    batch.assignOffsets(this.logEndOffset, leaderEpoch)
    if (config.timestampType === 1) batch.stampLogAppendTime(nowMs)
    const { header } = batch
    const segment = this.#segments.append(batch, config.indexIntervalBytes)
    this.#noteProducer(segment, header, marker, nowMs)
    await this.#segments.reach(header.lastOffset + 1)
    return {
      baseOffset: header.baseOffset,
      lastOffset: header.lastOffset,
      logAppendTime: config.timestampType === 1 ? nowMs : -1,
      logStartOffset: this.logStartOffset,
      isDuplicate: false,
    }
  }

  /**
   * Batches from the one that holds `offset` on; empty at the end of what is visible.
   * @throws OffsetOutOfRangeError below the log start or beyond the log end; CorruptLogError; StorageError.
   */
  read(request: ReadRequest): ReadAnswer {
    const { offset, isolation } = request
    this.#requireOpen()
    const { logStartOffset, logEndOffset, highWatermark, lastStableOffset } = this
    if (offset < logStartOffset || offset > logEndOffset) {
      throw new OffsetOutOfRangeError(offset, logStartOffset, logEndOffset)
    }
    const endOffset = isolation === 'read_committed' ? lastStableOffset : highWatermark
    const abortedInNothing = isolation === 'read_committed' ? [] : null
    const nothing = { batches: noBytes, nextOffset: offset, abortedTransactions: abortedInNothing }
    // Most polls are at the end: they cost no look at the segments.
    if (offset >= endOffset || (request.maxBytes <= 0 && !request.minOneBatch))
      return { ...nothing, highWatermark, lastStableOffset, logStartOffset }
    const { list } = this.#segments
    const { batches, nextOffset } = this.#segments.onDisk(() => readBatches(list, { ...request, endOffset }))
    const abortedTransactions =
      isolation === 'read_committed' ? abortedBetween(this.#segments.list, offset, nextOffset) : null
    return { batches, nextOffset, highWatermark, lastStableOffset, logStartOffset, abortedTransactions }
  }

  /** The first visible record at or after `timestampMs`; null when there is none. */
  offsetForTimestamp(timestampMs: number, isolation: IsolationLevel = 'read_uncommitted'): TimestampOffset | null {
    this.#requireOpen()
    const end = isolation === 'read_committed' ? this.lastStableOffset : this.highWatermark
    return this.#segments.onDisk(() => findTimestamp(this.#segments.list, timestampMs, this.logStartOffset, end))
  }

  /** The first of the visible records with the largest timestamp; null when there is none. */
  offsetOfMaxTimestamp(isolation: IsolationLevel = 'read_uncommitted'): TimestampOffset | null {
    this.#requireOpen()
    const end = isolation === 'read_committed' ? this.lastStableOffset : this.highWatermark
    return this.#segments.onDisk(() => findMaxTimestamp(this.#segments.list, this.logStartOffset, end))
  }

  /** Applies a changed configuration from the next append and the next upkeep on. */
  updateConfig(config: LogConfig): void {
    this.#state.config = config
  }

  /** Deletes what retention no longer keeps, forgets producers that are long idle. @returns the number of segments deleted. */
  applyRetention(nowMs: number = this.#clock.now()): Promise<number> {
    return this.#whileOpen(() => this.#upkeep.applyRetention(nowMs))
  }

  /**
   * Makes `offset` the first one that can be read, for DeleteRecords; durable on return. Never goes back.
   * @throws OffsetOutOfRangeError beyond the high watermark.
   */
  advanceLogStart(offset: number): Promise<void> {
    return this.#whileOpen(() => this.#upkeep.advanceLogStart(offset, this.#clock.now()))
  }

  /** Compacts the log when that is worth while; `close` and a failed sync end it early. @returns whether it did. */
  async compact(nowMs: number = this.#clock.now()): Promise<boolean> {
    this.#compacting = new AbortController()
    const signal = AbortSignal.any([this.#closing.signal, this.#compacting.signal])
    try {
      return await this.#whileOpen(() => this.#upkeep.compact(nowMs, signal))
    } catch (error) {
      if (signal.aborted && error === signal.reason) return false
      throw error
    }
  }

  /** Makes a start after a crash quick: writes indexes, producers and the recovery point. Rolling and closing do it too. */
  checkpoint(): Promise<void> {
    return this.#whileOpen(() => this.#upkeep.writeCheckpoint())
  }

  /**
   * Waits for what was appended, writes the recovery point, closes the files. Later calls fail; listeners are told.
   * @param options.checkpoint false writes nothing: the partition is about to be deleted.
   */
  async close({ checkpoint = true }: { readonly checkpoint?: boolean } = {}): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#closing.abort()
    try {
      await this.#upkeep.inTurn(async () => {
        if (checkpoint && this.#segments.failure === null) await this.#upkeep.writeCheckpoint()
      })
    } finally {
      await this.#segments.close()
      for (const listener of this.#listeners) listener()
      this.#listeners.clear()
    }
  }

  #requireOpen(): void {
    if (this.#closed) throw new StorageError(`${this.directory} is closed`)
  }

  #whileOpen<T>(task: () => Promise<T>): Promise<T> {
    return this.#upkeep.inTurn(() => {
      this.#requireOpen()
      return task()
    })
  }

  #checkProducer(header: BatchHeader, marker: EndMarker | null): ProducedBatch | null {
    if (header.producerId < 0) return null
    if (!header.isControl) return this.producers.check(header)
    if (marker !== null) this.producers.checkMarker(header, marker)
    return null
  }

  #noteProducer(segment: Segment, header: BatchHeader, marker: EndMarker | null, nowMs: number): void {
    if (!header.isControl) return this.producers.noteBatch(header, nowMs)
    const aborted = marker === null ? null : this.producers.noteMarker(header, marker, nowMs)
    if (aborted !== null) segment.transactions.add(aborted)
  }

  /** A repeated batch is acknowledged when the first one is durable, which it may not be yet. */
  async #answerAgain(batch: ProducedBatch): Promise<Appended> {
    await this.#segments.reach(batch.lastOffset + 1)
    return {
      baseOffset: batch.lastOffset - batch.offsetDelta,
      lastOffset: batch.lastOffset,
      logAppendTime: this.#state.config.timestampType === 1 ? batch.timestamp : -1,
      logStartOffset: this.logStartOffset,
      isDuplicate: true,
    }
  }

  #rollFor(incoming: BatchHeader, nowMs: number): void {
    const lastOffset = this.logEndOffset + incoming.lastOffsetDelta
    const { active } = this.#segments
    const { sizeInBytes, maxTimestamp } = incoming
    const mustRoll = this.#segments.onDisk(() =>
      active.mustRollFor(sizeInBytes, maxTimestamp, lastOffset, this.#state.config, nowMs),
    )
    if (!mustRoll) return
    this.#segments.roll(nowMs)
    this.#upkeep.startCheckpoint()
  }

  #advanced(): void {
    for (const listener of this.#listeners) listener()
  }

  #failed(error: StorageError): void {
    this.#failedAtMs = this.#clock.monotonic()
    this.#compacting.abort()
    const { logger, directory } = this.#state
    logger.error('a sync failed; the partition refuses writes until it has recovered', {
      directory,
      cause: String(error.cause),
    })
  }

  async #recover(failure: StorageError): Promise<void> {
    if (this.#recovering === null) {
      if (this.#clock.monotonic() - this.#failedAtMs < recoveryPauseMs) throw failure
      this.#failedAtMs = this.#clock.monotonic()
      this.#recovering = this.#whileOpen(() => this.#reopen()).finally(() => {
        this.#recovering = null
      })
    }
    await this.#recovering
  }

  async #reopen(): Promise<void> {
    const { fs, directory, logger, checkpoint } = this.#state
    await this.#segments.reopen(() => {
      const { list: segments, endOffset: durableEnd } = this.#segments
      const { recoveryOffset } = checkpoint
      const nowMs = this.#clock.now()
      const recovery = { fs, directory, segments, recoveryOffset, durableEnd, nowMs, logger }
      this.#state.producers = rebuildProducers(recovery)
    })
    logger.info('the partition has recovered and takes writes', { directory, logEndOffset: this.logEndOffset })
  }
}
