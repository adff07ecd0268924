import { assert } from '../../foundation/assert.ts'
import { allEnded } from '../../foundation/async/concurrently.ts'
import { failPoint } from '../../foundation/process/fail-point.ts'
import type { Logger } from '../../foundation/logging/logger.ts'
import type { VerifiedBatch } from '../../protocol/record-batch/verified-batch.ts'
import { asStorageError } from './disk-full.ts'
import type { FileSystem } from './file-system.ts'
import { GroupCommit } from './group-commit.ts'
import { StorageError } from '../log-error.ts'
import { Segment } from '../segment/segment.ts'
import { offsetsWithSuffix, suffixes } from '../segment/segment-files.ts'

/** A position in the log, below which everything is synced: the first `bytes` bytes of `segment`, and all segments before it. */
export interface DurablePoint {
  readonly offset: number
  readonly segment: Segment
  readonly bytes: number
}

/** The partition that owns {@link DurableSegments}. */
export interface SegmentsOwner {
  readonly fs: FileSystem
  readonly directory: string
  readonly logger: Logger
  /** Called after the durable end has risen. */
  readonly onDurable: () => void
  /** Called after a sync has failed and the unsynced end was cut off. */
  readonly onFailure: (error: StorageError) => void
}

/**
 * The segments of a partition. Batches are appended to the last one, the active segment. Everything below the durable point
 * survives a power failure (I1); syncs move it forward, and nothing moves it back (I6).
 */
export class DurableSegments {
  /** Sorted by offset, never empty. */
  readonly list: Segment[]
  durable: DurablePoint
  readonly #owner: SegmentsOwner
  readonly #commit = new GroupCommit(() => this.#flush())
  /** Segments with unsynced bytes. */
  readonly #dirty = new Set<Segment>()
  /** Whether files were created since the last sync of the directory. */
  #namesChanged: boolean
  #failure: StorageError | null = null

  /** @param loaded the result of `loadPartition`: all its records are durable. */
  constructor(loaded: { readonly segments: Segment[]; readonly hasDurableNames: boolean }, owner: SegmentsOwner) {
    this.list = loaded.segments
    this.#namesChanged = !loaded.hasDurableNames
    this.#owner = owner
    const active = this.active
    this.durable = { offset: active.endOffset, segment: active, bytes: active.size }
  }

  /** The active segment, to which batches are appended. */
  get active(): Segment {
    return this.list.at(-1) as Segment
  }

  get endOffset(): number {
    return this.active.endOffset
  }

  get sizeInBytes(): number {
    return this.list.reduce((sum, segment) => sum + segment.size, 0)
  }

  /** Why writes are rejected; null while they are not. */
  get failure(): StorageError | null {
    return this.#failure
  }

  /** Writes a batch at the end; {@link reach} makes it durable. @throws StorageError; the log is then unchanged. */
  append(batch: VerifiedBatch, indexIntervalBytes: number): Segment {
    const { active } = this
    this.onDisk(() => {
      active.indexes.relieveMemory() // First: nothing may fail after the batch is written.
      active.append(batch.bytes, batch.header, indexIntervalBytes)
    })
    this.#dirty.add(active)
    return active
  }

  /** Creates a new active segment. @throws StorageError; the log is then unchanged. */
  roll(nowMs: number): void {
    const base = this.endOffset
    const segment = this.onDisk(() => {
      this.active.trim()
      return Segment.create({ ...this.#owner, nowMs }, base)
    })
    failPoint('segment-roll')
    this.list.push(segment)
    this.#namesChanged = true
    this.#moveDurable(this.durable)
  }

  /** Makes everything below `endOffset` durable, and the names of all files. @throws StorageError when a sync fails. */
  async reach(endOffset: number): Promise<void> {
    assert(endOffset <= this.endOffset, 'only offsets that were appended can become durable')
    if (this.durable.offset < endOffset || this.#namesChanged) await this.#commit.reach(endOffset)
  }

  /** Deletes the oldest `count` segments. @throws StorageError; segments that were not deleted are still listed. */
  removeFirst(count: number): void {
    assert(this.list.indexOf(this.durable.segment) >= count, 'the durable point is in a segment that is kept')
    for (let left = count; left > 0; left -= 1) {
      this.onDisk(() => this.list[0]?.remove())
      this.list.shift()
    }
  }

  /** Replaces segments with the result of their compaction, and closes them. Their files were replaced before. */
  replace(old: readonly Segment[], by: Segment): void {
    const at = this.list.indexOf(old[0] as Segment)
    assert(at >= 0 && !old.includes(this.durable.segment), 'compacted segments are before the durable point')
    this.list.splice(at, old.length, by)
    for (const segment of old) segment.close()
  }

  /** Closes the files of durable segments, except for the active one, that were not used since the last call. */
  rest(): void {
    for (const segment of this.list) {
      if (segment !== this.active && segment.endOffset <= this.durable.offset) segment.rest()
    }
  }

  /** Runs `action`; turns errors of the system into a StorageError. */
  onDisk<T>(action: () => T): T {
    try {
      return action()
    } catch (cause) {
      throw asStorageError(this.#owner.fs, this.#owner.directory, cause)
    }
  }

  /**
   * Takes writes again after a failed sync. Cuts the files at the durable point again, because the first cut may have failed, and
   * makes the cut durable: the bytes of the failed sync are never trusted. Then `rebuild` derives the rest of the partition's state
   * from the segments.
   * @throws StorageError when the disk fails again; writes are still rejected.
   */
  async reopen(rebuild: () => void): Promise<void> {
    const { fs, directory } = this.#owner
    const { segment, bytes, offset } = this.durable
    try {
      segment.file.truncate(bytes)
      segment.cutTo(bytes, offset)
      for (const base of offsetsWithSuffix(fs.list(directory), suffixes.log)) {
        if (base > segment.baseOffset) Segment.load({ ...this.#owner, nowMs: 0 }, base).remove()
      }
      await segment.file.sync()
      await fs.syncDirectory(directory)
      rebuild()
    } catch (cause) {
      this.#failure = new StorageError(`${directory}: recovery failed; writes are still rejected`, { cause })
      throw this.#failure
    }
    this.#failure = null
  }

  /** Waits for a sync in progress and closes the files. */
  async close(): Promise<void> {
    await this.#commit.idle()
    for (const segment of this.list) segment.close()
  }

  /** One sync of the group commit. Returns the offset below which everything is durable. */
  async #flush(): Promise<number> {
    if (this.#failure !== null) throw this.#failure
    const { active } = this
    const target = { offset: active.endOffset, segment: active, bytes: active.size }
    const dirty = [...this.#dirty]
    const namesChanged = this.#namesChanged
    this.#dirty.clear()
    this.#namesChanged = false
    try {
      const names = namesChanged ? [this.#owner.fs.syncDirectory(this.#owner.directory)] : []
      await allEnded([...dirty.map((segment) => segment.file.sync()), ...names])
    } catch (cause) {
      throw this.#fail(cause)
    }
    this.#moveDurable(target)
    this.#owner.onDurable()
    return target.offset
  }

  /**
   * Sets the durable point. If it is the end of a full segment, the start of the next one is used instead, so that the full one may
   * be deleted or compacted.
   */
  #moveDurable(point: DurablePoint): void {
    const next = this.list[this.list.indexOf(point.segment) + 1]
    this.durable =
      next !== undefined && next.baseOffset === point.offset ? { offset: point.offset, segment: next, bytes: 0 } : point
  }

  /**
   * Cuts the log back to the durable point (I5), in memory and in the files: after a failed sync, bytes in the page cache may be
   * missing on the disk, and no read may return them.
   */
  #fail(cause: unknown): StorageError {
    const { directory, logger } = this.#owner
    const error = new StorageError(
      `${directory}: a sync failed; writes are rejected until the partition has recovered`,
      { cause },
    )
    const { segment, bytes, offset } = this.durable
    const at = this.list.indexOf(segment)
    assert(at >= 0, 'the durable point is in a segment of the log')
    const later = this.list.splice(at + 1)
    this.#failure = error
    this.#dirty.clear()
    try {
      segment.cutTo(bytes, offset)
      segment.file.truncate(bytes)
      for (const one of later) one.remove()
    } catch (cutFailure) {
      logger.error('cutting the unsynced end of a partition failed', { directory, cause: String(cutFailure) })
    }
    this.#owner.onFailure(error)
    return error
  }
}
