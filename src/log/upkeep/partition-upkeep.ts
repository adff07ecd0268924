import { compactSegments, type Swap } from './compaction.ts'
import { compactableSegments, shouldRollForCompaction } from './compaction-plan.ts'
import { isDecided, swapIn } from './compaction-swap.ts'
import { asStorageError } from '../disk/disk-full.ts'
import { replaceFile } from '../disk/file-system.ts'
import { CorruptLogError, OffsetOutOfRangeError } from '../log-error.ts'
import { writeCheckpoint, type PartitionCheckpoint } from '../recovery/partition-checkpoint.ts'
import { removeOldSnapshots } from '../producers/producer-recovery.ts'
import { encodeSnapshot } from '../producers/producer-snapshot.ts'
import { expiredSegments, isExpired } from './retention.ts'
import type { PartitionState } from '../partition-state.ts'
import { Segment } from '../segment/segment.ts'
import { fileName, suffixes } from '../segment/segment-files.ts'

const snapshotsKept = 2
/** How long a compaction that met a damaged batch waits: only a person can put that right. */
const damagePauseMs = 3_600_000

/** The last stable offset: nothing at or beyond it is compacted. */
function stableEnd(state: PartitionState): number {
  return state.producers.lastStableOffset(state.segments.durable.offset)
}

/** What changes a partition's files other than appending: one task at a time, in the order they were asked for. */
export class PartitionUpkeep {
  readonly #state: PartitionState
  #last: Promise<unknown> = Promise.resolve()
  #checkpointIsUnderWay = false
  #compactionPausedUntilMs = 0
  #compactionHasFailed = false
  /** A swap that was decided and failed half-way: the disk may hold the old files, the new ones, or some of both. */
  #swap: Swap | null = null

  constructor(state: PartitionState) {
    this.#state = state
  }

  /** Runs `task` when those before it are done, whether or not they failed. */
  inTurn<T>(task: () => Promise<T>): Promise<T> {
    const run = this.#last.then(task, task)
    this.#last = run.then(
      () => undefined,
      () => undefined, // Whoever asked for the task is told of its failure.
    )
    return run
  }

  /** Starts a checkpoint unless one is under way. Its failure costs time at the next start and nothing else: a warning. */
  startCheckpoint(): void {
    if (this.#checkpointIsUnderWay) return
    this.#checkpointIsUnderWay = true
    const { logger, directory } = this.#state
    this.inTurn(() => this.writeCheckpoint())
      .catch((error: unknown) => logger.warn('a checkpoint failed', { directory, cause: String(error) }))
      .finally(() => {
        this.#checkpointIsUnderWay = false
      })
  }

  /**
   * Writes indexes, producers and the recovery point for everything appended so far, which is made durable first.
   * @throws StorageError
   */
  async writeCheckpoint(): Promise<void> {
    try {
      await this.#writeCheckpoint()
    } catch (error) {
      throw asStorageError(this.#state.fs, this.#state.directory, error, 'a checkpoint cannot be written')
    }
  }

  async #writeCheckpoint(): Promise<void> {
    const { segments, checkpoint, fs, directory, producers } = this.#state
    // Until the partition has recovered, its producers may still be those from before the cut.
    if (segments.failure !== null) throw segments.failure
    if (this.#swap !== null) await this.#finishSwap(this.#swap)
    segments.rest()
    const { active, endOffset } = segments
    const recoveryBytes = active.size
    if (endOffset === checkpoint.recoveryOffset && active.baseOffset === checkpoint.recoverySegment) return
    const unsaved = segments.list.filter(
      (segment) => segment.baseOffset >= checkpoint.recoverySegment || segment.hasUnsavedIndexes,
    )
    const snapshot = encodeSnapshot(producers)
    await segments.reach(endOffset)
    for (const segment of unsaved) await segment.syncIndexes()
    await replaceFile(fs, directory, fileName(endOffset, suffixes.snapshot), snapshot)
    const recoverySegment = active.baseOffset
    const { compactedOffset } = this.#state.checkpoint
    const { logStartOffset } = this.#state
    await this.#save({ logStartOffset, recoveryOffset: endOffset, recoverySegment, recoveryBytes, compactedOffset })
    removeOldSnapshots(fs, directory, snapshotsKept)
  }

  /** Deletes what retention no longer keeps. @returns the number of segments deleted. */
  async applyRetention(nowMs: number): Promise<number> {
    const { segments, config, producers } = this.#state
    producers.expire(nowMs, config.producerIdExpirationMs)
    const removed = await this.#removeExpired(nowMs)
    if (!segments.list.every((segment) => isExpired(segment, config, nowMs))) return removed
    return removed + (await this.#removeActive(nowMs))
  }

  /** Makes `offset` the log start; durable on return. @throws OffsetOutOfRangeError beyond the high watermark. */
  async advanceLogStart(offset: number, nowMs: number): Promise<void> {
    const { segments, logStartOffset, reserve, logger, directory } = this.#state
    if (offset <= logStartOffset) return
    if (offset > segments.durable.offset) throw new OffsetOutOfRangeError(offset, logStartOffset, segments.endOffset)
    await reserve.use(() => this.#save({ ...this.#state.checkpoint, logStartOffset: offset }))
    this.#state.logStartOffset = offset
    try {
      await this.#removeExpired(nowMs)
      if (offset === segments.endOffset) await this.#removeActive(nowMs)
    } catch (error) {
      // The records are deleted for every reader and every later start; the next retention removes the files.
      logger.warn('files of deleted records could not be removed', { directory, error: String(error) })
    }
  }

  /** @returns whether it was worth while. @throws the signal's reason when it fires: the log is then whole, not compacted. */
  async compact(nowMs: number, signal: AbortSignal): Promise<boolean> {
    const { segments, config, fs, directory, logger, producers } = this.#state
    if (nowMs < this.#compactionPausedUntilMs) return false
    if (!config.compact || segments.failure !== null) return false
    const { compactedOffset } = this.#state.checkpoint
    const limit = producers.lastStableOffset(segments.endOffset)
    const plan = { config, nowMs, compactedOffset, limitOffset: limit }
    if (!this.#compactionHasFailed && shouldRollForCompaction(segments.list, plan)) segments.roll(nowMs)
    if (compactableSegments(segments.list, plan) === 0) return false
    await this.writeCheckpoint()
    const limitOffset = Math.min(stableEnd(this.#state), this.#state.checkpoint.recoverySegment)
    const count = compactableSegments(segments.list, { ...plan, limitOffset })
    if (count === 0) return false
    const inputs = segments.list.slice(0, count)
    const swap = async (one: Swap): Promise<void> => {
      this.#swap = one
      await this.#finishSwap(one)
    }
    this.#compactionHasFailed = true // Until it has not: a compaction that fails must not begin a segment each time.
    const end = await compactSegments({ ...plan, signal, fs, directory, logger, inputs, swap }).catch(
      (error: unknown) => {
        if (error instanceof CorruptLogError) this.#compactionPausedUntilMs = nowMs + damagePauseMs
        throw error
      },
    )
    await this.#save({ ...this.#state.checkpoint, compactedOffset: end })
    this.#compactionHasFailed = false
    return true
  }

  /** Completes a swap of segments that failed before. @throws StorageError */
  async #finishSwap({ group, output }: Swap): Promise<void> {
    const { fs, directory, segments, logger } = this.#state
    const { baseOffset, createdAtMs: nowMs } = output
    const replaced = group.map((segment) => segment.baseOffset)
    try {
      await swapIn(fs, directory, baseOffset, replaced)
    } catch (error) {
      if (!isDecided(fs, directory, baseOffset)) {
        this.#swap = null
        output.remove()
      }
      throw error
    }
    const by = Segment.load({ fs, directory, nowMs, logger }, baseOffset)
    by.size = output.size
    by.endOffset = output.endOffset
    by.maxTimestamp = output.maxTimestamp
    segments.replace(group, by)
    this.#swap = null
  }

  /** Deletes the segment that is written, none of whose records is wanted; another one takes its place. */
  async #removeActive(nowMs: number): Promise<number> {
    const { segments } = this.#state
    const isDurable = segments.durable.offset === segments.endOffset
    if (segments.active.size === 0 || !isDurable || segments.failure !== null) return 0
    segments.roll(nowMs)
    return this.#removeExpired(nowMs)
  }

  async #removeExpired(nowMs: number): Promise<number> {
    if (this.#swap !== null) await this.#finishSwap(this.#swap)
    const state = this.#state
    const count = expiredSegments(state.segments.list, {
      config: state.config,
      nowMs,
      logStartOffset: state.logStartOffset,
      highWatermark: state.segments.durable.offset,
    })
    if (count === 0) return 0
    const start = state.segments.list[count]?.baseOffset ?? 0
    const isSaved = await this.#trySaveStart(start)
    state.logStartOffset = Math.max(state.logStartOffset, start)
    state.segments.removeFirst(count)
    if (!isSaved) await this.#trySaveStart(start) // The disk was full, and is less so now.
    return count
  }

  /** Notes which segments are deleted, so that a start can tell that from a loss. It must not keep a full disk full. */
  async #trySaveStart(offset: number): Promise<boolean> {
    const { checkpoint, logger, directory } = this.#state
    if (offset <= checkpoint.logStartOffset) return true
    try {
      await this.#save({ ...checkpoint, logStartOffset: offset })
      return true
    } catch (error) {
      logger.warn('the start of a log cannot be saved', { directory, offset, cause: String(error) })
      return false
    }
  }

  async #save(checkpoint: PartitionCheckpoint): Promise<void> {
    const { fs, directory } = this.#state
    try {
      await writeCheckpoint(fs, directory, checkpoint)
    } catch (cause) {
      throw asStorageError(fs, directory, cause, 'the checkpoint cannot be written')
    }
    this.#state.checkpoint = checkpoint
  }
}
