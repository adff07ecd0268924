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
/** How long compaction pauses after it met a damaged batch, which only an operator can fix. */
const damagePauseMs = 3_600_000

/** Returns the last stable offset. Records from it on are not compacted. */
function stableEnd(state: PartitionState): number {
  return state.producers.lastStableOffset(state.segments.durable.offset)
}

/** Changes of a partition's files other than appends. They run one at a time, in the order of the calls. */
export class PartitionUpkeep {
  readonly #state: PartitionState
  #last: Promise<unknown> = Promise.resolve()
  #checkpointInProgress = false
  #compactionPausedUntilMs = 0
  #compactionHasFailed = false
  /** A committed swap that failed half-way: the disk may have the old files, the new ones, or some of both. */
  #swap: Swap | null = null

  constructor(state: PartitionState) {
    this.#state = state
  }

  /** Runs `task` after the tasks before it, whether or not they failed. */
  inTurn<T>(task: () => Promise<T>): Promise<T> {
    const run = this.#last.then(task, task)
    this.#last = run.then(
      () => undefined,
      () => undefined, // The caller of the task receives its failure.
    )
    return run
  }

  /** Starts a checkpoint unless one is in progress. A failure only makes the next start slower, so it is a warning. */
  startCheckpoint(): void {
    if (this.#checkpointInProgress) return
    this.#checkpointInProgress = true
    const { logger, directory } = this.#state
    this.inTurn(() => this.writeCheckpoint())
      .catch((error: unknown) => logger.warn('a checkpoint failed', { directory, cause: String(error) }))
      .finally(() => {
        this.#checkpointInProgress = false
      })
  }

  /**
   * Makes everything appended so far durable, then writes its indexes, producer state and recovery point.
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
    // Until the partition has recovered, the producer state may be that from before the cut.
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

  /** Deletes expired segments. Returns their number. */
  async applyRetention(nowMs: number): Promise<number> {
    const { segments, config, producers } = this.#state
    producers.expire(nowMs, config.producerIdExpirationMs)
    const removed = await this.#removeExpired(nowMs)
    if (!segments.list.every((segment) => isExpired(segment, config, nowMs))) return removed
    return removed + (await this.#removeActive(nowMs))
  }

  /** Moves the log start to `offset`; durable on return. @throws OffsetOutOfRangeError beyond the high watermark. */
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
      // The deletion of the records is durable; the next retention removes the files.
      logger.warn('could not remove files of deleted records', { directory, error: String(error) })
    }
  }

  /**
   * Compacts the log if it is dirty enough. Returns whether it was compacted.
   * @throws the reason of the signal when it fires; CorruptLogError; the errors of the disk. Segments that were replaced stay
   * replaced.
   */
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
    this.#compactionHasFailed = true // Set until it succeeds: a compaction that fails must not create a new segment each time.
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

  /** Replaces the active segment, all of whose records are expired, with an empty one. */
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
    if (!isSaved) await this.#trySaveStart(start) // The disk was full; the deletion freed space.
    return count
  }

  /** Saves the new log start, so that a start can tell the deletion from a loss. May fail: a full disk must not block deletions. */
  async #trySaveStart(offset: number): Promise<boolean> {
    const { checkpoint, logger, directory } = this.#state
    if (offset <= checkpoint.logStartOffset) return true
    try {
      await this.#save({ ...checkpoint, logStartOffset: offset })
      return true
    } catch (error) {
      logger.warn('could not save the log start', { directory, offset, cause: String(error) })
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
