import { dirname } from 'node:path'
import type { Logger } from '../foundation/logger.ts'
import { finishCompaction } from './compaction-swap.ts'
import type { FileSystem } from './file-system.ts'
import type { LogConfig } from './log-config.ts'
import { readCheckpoint, type PartitionCheckpoint } from './partition-checkpoint.ts'
import { rebuildProducers } from './producer-recovery.ts'
import type { ProducerState } from './producer-state.ts'
import { Segment } from './segment.ts'
import { offsetOfName, offsetsWithSuffix, segmentSuffixes, suffixes } from './segment-files.ts'

/** A partition as its files say it is. */
export interface LoadedPartition {
  /** In order; at least one, the last is the one that is written. */
  readonly segments: Segment[]
  readonly producers: ProducerState
  readonly logStartOffset: number
  readonly checkpoint: PartitionCheckpoint
  /** Whether anything lay beyond the recovery point: scanned, maybe cut, and made durable. */
  readonly recovered: boolean
}

/** Where and how a partition is loaded. */
export interface LoadOptions {
  readonly fs: FileSystem
  readonly directory: string
  readonly config: LogConfig
  readonly nowMs: number
  readonly logger: Logger
}

/**
 * Opens what is on disk: what lies before the recovery point is trusted, what lies behind it is scanned batch by batch with
 * its CRC. At the first fault the file is cut and later segments are removed (I5): an acknowledged batch was synced, with all
 * that lies before it, so it is never in the part that goes.
 *
 * What a killed process left in the page cache counts as part of the log, and is synced before anybody is told of it.
 */
export async function loadPartition(options: LoadOptions): Promise<LoadedPartition> {
  const { fs, directory } = options
  if (!fs.exists(directory)) {
    fs.makeDirectory(directory)
    await fs.syncDirectory(dirname(directory))
  }
  await finishCompaction(fs, directory)
  removeLitter(fs, directory)
  const checkpoint = readCheckpoint(fs, directory)
  const bases = offsetsWithSuffix(fs.list(directory), suffixes.log)
  const segments: Segment[] = []
  const scanned: Segment[] = []
  for (const [i, base] of bases.entries()) {
    const segment = Segment.load(fs, directory, base, options.nowMs)
    if (base < checkpoint.recoverySegment) trust(segment, bases[i + 1] ?? checkpoint.recoveryOffset, options)
    else {
      const isInPlace = base === (segments.at(-1)?.endOffset ?? base)
      const isWhole = isInPlace && recover(segment, checkpoint, options)
      if (isInPlace) {
        segments.push(segment)
        scanned.push(segment)
      }
      if (isWhole) continue
      removeFrom(options, isInPlace ? bases.slice(i + 1) : bases.slice(i))
      break
    }
    segments.push(segment)
  }
  const logStartOffset = Math.max(checkpoint.logStartOffset, segments[0]?.baseOffset ?? 0)
  startAnewBelow(logStartOffset, segments, options)
  const endOffset = segments.at(-1)?.endOffset ?? 0
  const recovered = endOffset !== checkpoint.recoveryOffset || bases.length === 0
  if (recovered) {
    for (const segment of segments) if (scanned.includes(segment)) await segment.file.sync()
    await fs.syncDirectory(directory)
  }
  const producers = rebuildProducers({ ...options, segments, snapshotLimit: checkpoint.recoveryOffset })
  return { segments, producers, logStartOffset, checkpoint, recovered }
}

/** Takes a segment before the recovery point as it is. Indexes that are missing or point outside it are made again. */
function trust(segment: Segment, endOffset: number, options: LoadOptions): void {
  const size = options.fs.sizeOf(segment.path(suffixes.log))
  segment.size = size
  segment.endOffset = endOffset
  if (size === 0 || isIndexed(segment, size, options.config)) {
    segment.maxTimestamp = segment.lastTimeEntry() ?? segment.maxTimestamp
    return
  }
  options.logger.warn('the indexes of a segment are missing or damaged; making them again', {
    segment: segment.path(suffixes.log),
  })
  reindex(segment, size, 'headers', options)
  segment.size = size
  segment.endOffset = endOffset
  segment.noteTime()
}

/** Whether the indexes may be those of the segment's first `size` bytes. */
function isIndexed({ offsetIndex, timeIndex }: Segment, size: number, config: LogConfig): boolean {
  const lastPosition = offsetIndex.count === 0 ? -1 : offsetIndex.entry(offsetIndex.count - 1).readInt32BE(4)
  const isDense = offsetIndex.count > 0 || size <= 2 * config.indexIntervalBytes
  return timeIndex.count > 0 && isDense && lastPosition < size
}

/** Scans what lies behind the recovery point. @returns false when the segment had to be cut. */
function recover(segment: Segment, checkpoint: PartitionCheckpoint, options: LoadOptions): boolean {
  const size = options.fs.sizeOf(segment.path(suffixes.log))
  const startsInside = segment.baseOffset === checkpoint.recoverySegment && size >= checkpoint.recoveryBytes
  if (startsInside) segment.truncateIndexes(checkpoint.recoveryBytes, checkpoint.recoveryOffset)
  if (startsInside && isIndexed(segment, checkpoint.recoveryBytes, options.config)) {
    segment.size = checkpoint.recoveryBytes
    segment.endOffset = checkpoint.recoveryOffset
  } else {
    segment.resetIndexes()
  }
  const fault = reindex(segment, size, 'whole', options)
  if (fault === null) return true
  options.logger.warn('cutting the unfinished end of a segment', {
    segment: segment.path(suffixes.log),
    reason: fault,
    validBytes: segment.size,
    cutBytes: size - segment.size,
    nextOffset: segment.endOffset,
  })
  segment.file.truncate(segment.size)
  return false
}

/** Takes the batches from the segment's end up to `size` into its indexes. @returns why it stopped before, or null. */
function reindex(segment: Segment, size: number, depth: 'headers' | 'whole', options: LoadOptions): string | null {
  if (depth === 'headers') segment.resetIndexes()
  const from = segment.size
  segment.size = size
  const scanner = segment.scan(from, depth)
  segment.size = from
  for (let header = scanner.next(); header !== null; header = scanner.next()) {
    if (depth === 'whole' && header.baseOffset !== segment.endOffset) return 'OFFSETS_NOT_IN_SEQUENCE'
    segment.note(header, scanner.position, options.config.indexIntervalBytes)
    segment.relieveMemory()
  }
  return scanner.fault
}

/** Removes later segments, which hold nothing that was acknowledged once an earlier one had to be cut. */
function removeFrom(options: LoadOptions, bases: readonly number[]): void {
  for (const base of bases) {
    options.logger.warn('removing a segment that follows a cut', { directory: options.directory, baseOffset: base })
    Segment.load(options.fs, options.directory, base, options.nowMs).remove()
  }
}

/** Leaves at least one segment, and none that ends below the log start. */
function startAnewBelow(logStartOffset: number, segments: Segment[], options: LoadOptions): void {
  const end = segments.at(-1)?.endOffset
  if (end !== undefined && end >= logStartOffset) return
  for (const segment of segments.splice(0)) segment.remove()
  segments.push(Segment.create(options.fs, options.directory, logStartOffset, options.nowMs))
}

/** Temporary files, and indexes whose log is gone: left by a crash between two removals. */
function removeLitter(fs: FileSystem, directory: string): void {
  const names = fs.list(directory)
  const present = new Set(names)
  for (const name of names) {
    const orphan = segmentSuffixes.some((suffix) => {
      const offset = suffix === suffixes.log ? null : offsetOfName(name, suffix)
      return offset !== null && !present.has(name.replace(suffix, suffixes.log))
    })
    if (orphan || name.endsWith('.tmp')) fs.remove(`${directory}/${name}`)
  }
}
