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
import { PartitionReader, type ReadRequest, type ReadResult } from './partition-reader.ts'
import { loadPartition, type LoadedPartition } from './recovery/load-partition.ts'
import type { LogConfig } from './log-config.ts'
import { StorageError } from './log-error.ts'
import { PartitionUpkeep } from './upkeep/partition-upkeep.ts'
import type { PartitionState } from './partition-state.ts'
import { SyncFailureRecovery } from './recovery/sync-failure-recovery.ts'
import type { EndMarker, ProducedBatch, ProducerState } from './producers/producer-state.ts'
import type { Segment } from './segment/segment.ts'
import type { TimestampOffset } from './segment/segment-indexes.ts'

/*
 * The log of one partition: an append-only sequence of record batches that survives power failure.
 *
 *   penstock-data/orders-0/
 *     00000000000000000000.log         batches, byte for byte as the producer sent them, except for offset and leader epoch
 *     00000000000000000000.index       offset → position, every `index.interval.bytes`
 *     00000000000000000000.timeindex   timestamp → offset
 *     00000000000000000000.txnindex    aborted transactions, if any
 *     00000000000000031416.log …       the next segment; the last one is the active segment
 *     00000000000000031416.snapshot    the idempotent producers of the log before that offset, and their sequence numbers
 *     partition-checkpoint             log start and recovery point, with a checksum
 *     ….log.damaged-<position>-<end>   bytes that recovery cut off after damage, kept for an operator: damaged-tail.ts
 *
 *   log start          durable end = high watermark          log end
 *       |  ..deleted..|============ visible ===========|--- being synced ---|
 *
 * Guarantees:
 * - `append` resolves once the batch and everything before it are synced (I1, I5). Readers see only synced records, so no client
 *   sees a record that a crash can remove, and the high watermark never moves back (I6).
 * - Batches that arrive while a sync is in progress share the next sync (group commit).
 * - A failed write (a full disk) leaves the log unchanged, and the next append tries again. The bytes already written are cut
 *   off before anything else is written or a new segment is created.
 * - After a failed sync the log is cut back to its durable end immediately, all waiting appends fail, and the partition rejects
 *   writes until it has recovered: sync-failure-recovery.ts. Reads continue.
 * - Changes of a partition's files (checkpoint, retention, compaction, recovery) run one at a time.
 */

const leaderEpoch = 0

/** The result of `append`. `logAppendTime` is -1 unless the topic uses LogAppendTime. */
export interface Appended {
  readonly baseOffset: number
  readonly lastOffset: number
  readonly logAppendTime: number
  readonly logStartOffset: number
  /** Whether the batch was already in the log, because an idempotent producer sent it again. */
  readonly isDuplicate: boolean
}

/** The options of {@link PartitionLog.open}. */
export interface PartitionLogOptions {
  readonly fs: FileSystem
  readonly directory: string
  readonly config: LogConfig
  readonly clock: Clock
  readonly logger: Logger
  /** Frees space for deletions on a full disk. */
  readonly reserve?: SpaceReserve
  /** Whether the caller writes the checkpoint after a recovery, because it opens many partitions. */
  readonly checkpointsLater?: boolean
}

/** The log of one partition. */
export class PartitionLog {
  readonly #state: PartitionState
  readonly #segments: DurableSegments
  readonly #reader: PartitionReader
  readonly #upkeep: PartitionUpkeep
  readonly #clock: Clock
  readonly #listeners = new Set<() => void>()
  readonly #turns = new AppendTurns()
  readonly #recovery: SyncFailureRecovery
  #closed = false
  readonly #closing = new AbortController()
  /** Aborts a compaction when a sync fails: appends wait for the recovery, which waits for the compaction. */
  #compacting = new AbortController()

  private constructor(options: PartitionLogOptions, loaded: LoadedPartition) {
    const { fs, directory, logger, config, clock, reserve = noReserve } = options
    const onFailure = (error: StorageError): void => {
      this.#compacting.abort()
      this.#recovery.failed(error)
    }
    this.#clock = clock
    this.#segments = new DurableSegments(loaded, {
      fs,
      directory,
      logger,
      onDurable: () => this.#advanced(),
      onFailure,
    })
    const { producers, logStartOffset, checkpoint } = loaded
    const segments = this.#segments
    this.#state = { fs, directory, logger, config, segments, reserve, producers, logStartOffset, checkpoint }
    this.#recovery = new SyncFailureRecovery(this.#state, clock)
    this.#reader = new PartitionReader(this.#state)
    this.#upkeep = new PartitionUpkeep(this.#state)
  }

  /**
   * Opens the partition in `directory`, or creates it. Recovery keeps exactly the valid prefix of the log (I5).
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

  /** The smallest offset that can be read. */
  get logStartOffset(): number {
    return this.#state.logStartOffset
  }

  /** The offset of the next record. */
  get logEndOffset(): number {
    return this.#segments.endOffset
  }

  /** Records below it are durable and visible. It never moves back (I6). */
  get highWatermark(): number {
    return this.#segments.durable.offset
  }

  /** The first offset of an open transaction, else the high watermark. It never moves back (I6). */
  get lastStableOffset(): number {
    return this.#reader.lastStableOffset
  }

  /** The size of all segments. */
  get sizeInBytes(): number {
    return this.#segments.sizeInBytes
  }

  /** The idempotent producers that the partition remembers. */
  get producers(): ProducerState {
    return this.#state.producers
  }

  /** Why the partition rejects writes; null while it takes them. */
  get failure(): StorageError | null {
    return this.#segments.failure
  }

  /** Calls `listener` whenever the high watermark rises, and once when the log closes. Returns a function that removes it. */
  onAdvance(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /**
   * Appends one batch; resolves when it is durable (I1). The offset and leader epoch, and on topics with LogAppendTime the
   * timestamp, are written into `batch`, also when it cannot be stored. A batch that an idempotent producer sent before is not
   * written again: the result is that of the first time.
   * @throws RejectedBatchError when the log does not take the batch; StorageError when it cannot be stored: a retry needs the
   * bytes that the producer sent.
   */
  async append(batch: VerifiedBatch, origin: Origin = 'client'): Promise<Appended> {
    for (;;) {
      for (let { failure } = this; failure !== null; failure = this.failure)
        await this.#recovery.recover(failure, (task) => this.#whileOpen(task))
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
    if (repeated !== null) return this.#appendedBefore(repeated)
    batch.assignOffsets(this.logEndOffset, leaderEpoch)
    if (config.timestampType === 1) batch.stampLogAppendTime(nowMs)
    const { header } = batch
    this.#rollFor(header, nowMs)
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

  /** @see PartitionReader.read */
  read(request: ReadRequest): ReadResult {
    this.#requireOpen()
    return this.#reader.read(request)
  }

  /** @see PartitionReader.offsetForTimestamp */
  offsetForTimestamp(timestampMs: number, isolation: IsolationLevel = 'read_uncommitted'): TimestampOffset | null {
    this.#requireOpen()
    return this.#reader.offsetForTimestamp(timestampMs, isolation)
  }

  /** @see PartitionReader.offsetOfMaxTimestamp */
  offsetOfMaxTimestamp(isolation: IsolationLevel = 'read_uncommitted'): TimestampOffset | null {
    this.#requireOpen()
    return this.#reader.offsetOfMaxTimestamp(isolation)
  }

  /** Changes the configuration. It applies from the next append and the next upkeep on. */
  updateConfig(config: LogConfig): void {
    this.#state.config = config
  }

  /** Deletes expired segments and forgets idle producers. Returns the number of deleted segments. */
  applyRetention(nowMs: number = this.#clock.now()): Promise<number> {
    return this.#whileOpen(() => this.#upkeep.applyRetention(nowMs))
  }

  /**
   * Moves the log start to `offset`, for DeleteRecords; durable on return. It never moves back.
   * @throws OffsetOutOfRangeError beyond the high watermark.
   */
  advanceLogStart(offset: number): Promise<void> {
    return this.#whileOpen(() => this.#upkeep.advanceLogStart(offset, this.#clock.now()))
  }

  /** Compacts the log if it is dirty enough. `close` and a failed sync end it early. Returns whether it was compacted. */
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

  /**
   * Writes indexes, producers and the recovery point, so that a start after a crash is quick. It is also done when a segment is
   * full, and by `close`.
   */
  checkpoint(): Promise<void> {
    return this.#whileOpen(() => this.#upkeep.writeCheckpoint())
  }

  /**
   * Waits for appends in flight, writes a checkpoint and closes the files. Calls the listeners. Later calls of other methods fail.
   * @param options.checkpoint false when the partition is about to be deleted: nothing is written.
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

  /** Returns the result for a repeated batch, once the first one is durable (I1). */
  async #appendedBefore(batch: ProducedBatch): Promise<Appended> {
    await this.#segments.reach(batch.lastOffset + 1)
    return {
      baseOffset: batch.lastOffset - batch.offsetDelta,
      lastOffset: batch.lastOffset,
      logAppendTime: this.#state.config.timestampType === 1 ? batch.timestamp : -1,
      logStartOffset: this.logStartOffset,
      isDuplicate: true,
    }
  }

  #rollFor(header: BatchHeader, nowMs: number): void {
    const { active } = this.#segments
    const mustRoll = this.#segments.onDisk(() => active.mustRollFor(header, this.#state.config, nowMs))
    if (!mustRoll) return
    this.#segments.roll(nowMs)
    this.#upkeep.startCheckpoint()
  }

  #advanced(): void {
    for (const listener of this.#listeners) listener()
  }
}
