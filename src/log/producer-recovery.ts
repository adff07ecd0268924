import type { Logger } from '../foundation/logger.ts'
import { readEndMarker } from './end-marker.ts'
import { readWholeFile, type FileSystem } from './file-system.ts'
import { decodeSnapshot } from './producer-snapshot.ts'
import { ProducerState } from './producer-state.ts'
import type { Segment } from './segment.ts'
import { fileName, offsetsWithSuffix, suffixes } from './segment-files.ts'

/** What {@link rebuildProducers} works on. */
export interface ProducerRecovery {
  readonly fs: FileSystem
  readonly directory: string
  readonly segments: readonly Segment[]
  /** Snapshots beyond this offset are not used, and transaction indexes are made again from it on. */
  readonly snapshotLimit: number
  readonly nowMs: number
  readonly logger: Logger
}

/**
 * The producer state at the end of the log: the newest valid snapshot, then the batches after it. Transactions that were aborted
 * behind `snapshotLimit` are entered into the transaction indexes again. Snapshots beyond the end of the log are removed.
 */
export function rebuildProducers(options: ProducerRecovery): ProducerState {
  const { fs, directory, segments, snapshotLimit } = options
  const endOffset = segments.at(-1)?.endOffset ?? 0
  let state = new ProducerState()
  let from = 0
  for (const offset of offsetsWithSuffix(fs.list(directory), suffixes.snapshot).reverse()) {
    const path = `${directory}/${fileName(offset, suffixes.snapshot)}`
    if (offset > endOffset) fs.remove(path)
    if (offset > Math.min(endOffset, snapshotLimit)) continue
    const decoded = decodeSnapshot(readWholeFile(fs, path))
    if (decoded !== null) {
      state = decoded
      from = offset
      break
    }
    options.logger.warn('a producer snapshot is damaged; using an older one', { path })
  }
  for (const segment of segments) segment.transactions.truncate(snapshotLimit)
  for (const segment of segments) if (segment.endOffset > from) replay(segment, from, state, options)
  return state
}

function replay(segment: Segment, from: number, state: ProducerState, options: ProducerRecovery): void {
  const scanner = segment.scan(segment.floorPosition(from))
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
    if (aborted !== null && header.baseOffset >= options.snapshotLimit) segment.transactions.add(aborted)
  }
}

/** Removes all snapshots but the `keep` newest. */
export function removeOldSnapshots(fs: FileSystem, directory: string, keep: number): void {
  for (const offset of offsetsWithSuffix(fs.list(directory), suffixes.snapshot).slice(0, -keep)) {
    fs.remove(`${directory}/${fileName(offset, suffixes.snapshot)}`)
  }
}
