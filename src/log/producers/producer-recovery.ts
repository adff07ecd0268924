import type { Logger } from '../../foundation/logging/logger.ts'
import { readEndMarker } from './end-marker.ts'
import { readWholeFile, type FileSystem } from '../disk/file-system.ts'
import { decodeSnapshot } from './producer-snapshot.ts'
import { ProducerState } from './producer-state.ts'
import type { Segment } from '../segment/segment.ts'
import type { AbortedTransaction } from '../segment/transaction-index.ts'
import { fileName, offsetsWithSuffix, suffixes } from '../segment/segment-files.ts'

/** The options of {@link rebuildProducers}. */
export interface ProducerRecovery {
  readonly fs: FileSystem
  readonly directory: string
  readonly segments: readonly Segment[]
  /** Transaction indexes are complete below it, and are rebuilt from it on. */
  readonly recoveryOffset: number
  /** Everything below it is durable. Snapshots beyond it are not trusted. */
  readonly durableEnd: number
  readonly nowMs: number
  readonly logger: Logger
}

/**
 * The producer state at the end of the log: the newest valid snapshot, then the batches after it. Transactions that were aborted
 * behind the recovery point are entered into the transaction indexes again. Snapshots beyond the end of the log are removed.
 */
export function rebuildProducers(options: ProducerRecovery): ProducerState {
  const { fs, directory, segments, recoveryOffset, durableEnd } = options
  const endOffset = segments.at(-1)?.endOffset ?? 0
  for (const offset of offsetsWithSuffix(fs.list(directory), suffixes.snapshot)) {
    if (offset > endOffset) fs.remove(`${directory}/${fileName(offset, suffixes.snapshot)}`)
  }
  const recovered = replayAll(newestSnapshot(options, Math.min(endOffset, recoveryOffset)), options)
  // A younger snapshot knows producers whose batches were deleted or compacted since, but not the aborted transactions.
  const youngest = newestSnapshot(options, Math.min(endOffset, durableEnd))
  const { state } = youngest.offset > recoveryOffset ? replayAll(youngest, options) : recovered
  // Last, because it cannot fail: readers that skip aborted records continue meanwhile.
  for (const segment of segments) {
    segment.transactions.truncate(recoveryOffset)
    for (const one of recovered.aborted.get(segment) ?? []) segment.transactions.add(one)
  }
  return state
}

interface Snapshot {
  readonly state: ProducerState
  /** The state is that of the log below it. */
  readonly offset: number
}

/**
 * The newest snapshot at or before `limit` that can be read; without one, no producers at offset 0. When batches after it were
 * deleted, what its producers sent last is not known: they count as forgotten, and may continue with any sequence.
 */
function newestSnapshot({ fs, directory, segments, logger }: ProducerRecovery, limit: number): Snapshot {
  const firstOffset = segments[0]?.baseOffset ?? 0
  for (const offset of offsetsWithSuffix(fs.list(directory), suffixes.snapshot).reverse()) {
    if (offset > limit) continue
    const path = `${directory}/${fileName(offset, suffixes.snapshot)}`
    const state = decodeSnapshot(readWholeFile(fs, path))
    if (state !== null) return { state: offset < firstOffset ? new ProducerState() : state, offset }
    logger.warn('a producer snapshot is damaged; using an older one', { path })
  }
  return { state: new ProducerState(), offset: 0 }
}

/** Adds the batches after a snapshot to its state. */
function replayAll(
  { state, offset }: Snapshot,
  options: ProducerRecovery,
): { readonly state: ProducerState; readonly aborted: ReadonlyMap<Segment, AbortedTransaction[]> } {
  const aborted = new Map<Segment, AbortedTransaction[]>()
  for (const segment of options.segments) {
    if (segment.endOffset > offset) aborted.set(segment, replay(segment, offset, state, options))
  }
  return { state, aborted }
}

/** @returns the transactions that were aborted behind the limit. */
function replay(segment: Segment, from: number, state: ProducerState, options: ProducerRecovery): AbortedTransaction[] {
  const found: AbortedTransaction[] = []
  const scanner = segment.scanNear(from)
  for (let header = scanner.next(); header !== null; header = scanner.next()) {
    if (header.baseOffset < from || header.producerId < 0) continue
    if (!header.isControl) {
      state.noteBatch(header, options.nowMs)
      continue
    }
    if (header.recordCount === 0) continue
    const bytes = Buffer.allocUnsafe(header.sizeInBytes)
    segment.file.read(bytes, 0, bytes.length, scanner.position)
    const marker = readEndMarker(bytes)
    if (marker === null) continue
    const aborted = state.noteMarker(header, marker, options.nowMs)
    if (aborted !== null && header.baseOffset >= options.recoveryOffset) found.push(aborted)
  }
  return found
}

/** Removes all snapshots but the `keep` newest. */
export function removeOldSnapshots(fs: FileSystem, directory: string, keep: number): void {
  for (const offset of offsetsWithSuffix(fs.list(directory), suffixes.snapshot).slice(0, -keep)) {
    fs.remove(`${directory}/${fileName(offset, suffixes.snapshot)}`)
  }
}
