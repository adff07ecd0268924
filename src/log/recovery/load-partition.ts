import { dirname } from 'node:path'
import { finishCompaction } from '../upkeep/compaction-swap.ts'
import { damagedEnd } from './damaged-tail.ts'
import type { FileSystem } from '../disk/file-system.ts'
import { gapAt, reportLoss, type Evidence, type LoadOptions } from './known-loss.ts'
import { noCheckpoint, readCheckpoint, type PartitionCheckpoint } from './partition-checkpoint.ts'
import { rebuildProducers } from '../producers/producer-recovery.ts'
import type { ProducerState } from '../producers/producer-state.ts'
import { Segment } from '../segment/segment.ts'
import { keepWhole, recover, trust, type Loading, type Outcome } from './segment-recovery.ts'
import { offsetOfName, offsetsWithSuffix, segmentSuffixes, suffixes } from '../segment/segment-files.ts'

/** A partition as it was loaded from its files. */
export interface LoadedPartition {
  /** Sorted by offset; at least one. The last one is the active segment. */
  readonly segments: Segment[]
  readonly producers: ProducerState
  readonly logStartOffset: number
  readonly checkpoint: PartitionCheckpoint
  /** Whether the files differed from the checkpoint. The rest was then scanned, perhaps cut, and made durable. */
  readonly recovered: boolean
  /** Whether the file names survive a power failure. False if that is not known: without a checkpoint and records. */
  readonly hasDurableNames: boolean
}

/**
 * Loads a partition from disk. Batches before the recovery point are trusted. Later ones are scanned: by their headers as far as a
 * snapshot shows that they were durable, then with their CRC. At the first fault the segment is cut, and segments after a gap are
 * removed (I5). An acknowledged batch was synced together with everything before it, so a power failure never leaves it in the
 * part that is removed. If whole batches follow the fault, it may be damage instead: the part is first copied to another file
 * (damaged-tail.ts), and the log continues after it.
 *
 * Records below the recovery point or a snapshot were durable, and are never removed. If such records are missing, that is logged
 * as an error, and the log continues after them: an offset is never assigned twice (I5).
 *
 * Bytes that a killed process left in the page cache are part of the log, and are synced before a client sees them (I1).
 */
export async function loadPartition(options: LoadOptions): Promise<LoadedPartition> {
  const { fs, directory, logger } = options
  fs.makeDirectory(directory)
  await finishCompaction(fs, directory, logger)
  removeLitter(fs, directory)
  const read = readCheckpoint(fs, directory, logger)
  const known = read?.checkpoint ?? null
  const checkpoint = known ?? noCheckpoint
  const snapshots = offsetsWithSuffix(fs.list(directory), suffixes.snapshot)
  const durableEnd = Math.max(checkpoint.recoveryOffset, ...snapshots)
  const evidence = { checkpoint: known, durableEnd, keptEnd: damagedEnd(fs, directory) }
  const { segments, changed, removed, isDamaged } = await loadSegments(options, evidence)
  const isEmpty = segments.length === 0
  const first = segments[0]?.baseOffset ?? 0
  if (read?.isChecked === true && first > checkpoint.logStartOffset)
    reportLoss(options, { from: checkpoint.logStartOffset, to: first, reason: 'the first segments are missing' })
  const logStartOffset = Math.max(checkpoint.logStartOffset, first)
  const end = { durable: Math.max(evidence.durableEnd, logStartOffset), kept: damagedEnd(fs, directory) }
  const hasNew = continueAt(end, segments, { ...options, isDamaged })
  const endOffset = segments.at(-1)?.endOffset ?? 0
  const isUnknown = known !== null && segments.at(-1)?.baseOffset !== known.recoverySegment
  const hasChanged = hasNew || isUnknown || removed || changed.size > 0
  const recovered = hasChanged || endOffset !== checkpoint.recoveryOffset
  if (recovered) {
    for (const segment of segments) {
      if (segment.baseOffset >= checkpoint.recoverySegment || changed.has(segment)) await segment.file.sync()
    }
    // Before a checkpoint is written, the directory is synced. Without a change, no file was created since.
    if (hasChanged || known === null) await fs.syncDirectory(directory)
    if (isEmpty) await fs.syncDirectory(dirname(directory)) // The partition's directory may be new, too.
  }
  const producers = rebuildProducers({ ...options, segments, ...evidence, recoveryOffset: checkpoint.recoveryOffset })
  for (const segment of segments.slice(0, -1)) segment.close()
  return {
    segments,
    producers,
    logStartOffset: Math.max(logStartOffset, segments[0]?.baseOffset ?? 0),
    checkpoint,
    recovered,
    hasDurableNames: recovered || known !== null,
  }
}

interface LoadedSegments {
  readonly segments: Segment[]
  /** The segments whose files were cut or are damaged. */
  readonly changed: ReadonlySet<Segment>
  /** Whether segments after a gap were removed. */
  readonly removed: boolean
  /** Whether the last segment is damaged. */
  readonly isDamaged: boolean
}

async function loadSegments(options: LoadOptions, evidence: Evidence): Promise<LoadedSegments> {
  const { fs, directory, config } = options
  const bases = offsetsWithSuffix(fs.list(directory), suffixes.log)
  const segments: Segment[] = []
  const changed = new Set<Segment>()
  let outcome: Outcome = 'whole'
  let removed = false
  const { recoverySegment } = evidence.checkpoint ?? noCheckpoint
  for (const [i, base] of bases.entries()) {
    const segment = Segment.load(options, base)
    const loading: Loading = { segment, options, evidence, nextBase: bases[i + 1] ?? null }
    if (base < recoverySegment) {
      const size = fs.sizeOf(segment.path(suffixes.log))
      outcome = trust(loading, size, loading.nextBase)
    } else {
      const end = segments.at(-1)?.endOffset ?? base
      const gap = base === end ? 'hole' : gapAt(end, evidence, config)
      if (base < end || gap === 'tail') {
        await removeFrom(options, evidence, bases.slice(i))
        removed = true
        break
      }
      if (gap === 'loss') reportLoss(options, { from: end, to: base, reason: 'a segment or the end of one is missing' })
      outcome = await recover(loading)
    }
    if (outcome !== 'whole') changed.add(segment)
    segments.push(segment)
  }
  return { segments, changed, removed, isDamaged: outcome === 'damaged' }
}

/**
 * Removes the segments after a gap. After a power failure nothing in them was acknowledged. After damage their records may have
 * been: segments with whole batches are copied to other files first.
 */
async function removeFrom(options: LoadOptions, evidence: Evidence, bases: readonly number[]): Promise<void> {
  for (const [i, base] of bases.entries()) {
    const segment = Segment.load(options, base)
    const isKept = await keepWhole({ segment, options, evidence, nextBase: bases[i + 1] ?? null })
    if (!isKept)
      options.logger.warn('removing a segment that follows a cut', { directory: options.directory, baseOffset: base })
    segment.remove()
  }
}

/**
 * Makes the log end at `durable` or `kept` or later, because smaller offsets were assigned. Creates a segment if the last one ends
 * before, or is damaged: nothing is appended to a damaged segment.
 * @returns whether a segment was created.
 */
function continueAt(
  { durable, kept }: { readonly durable: number; readonly kept: number },
  segments: Segment[],
  options: LoadOptions & { readonly isDamaged: boolean },
): boolean {
  const end = segments.at(-1)?.endOffset
  const reported = Math.max(end ?? 0, kept) // A loss below `kept` was reported when the damaged end was copied.
  if (end !== undefined && end >= Math.max(durable, kept) && !options.isDamaged) return false
  if (durable > reported) reportLoss(options, { from: reported, to: durable, reason: 'the end of the log is missing' })
  segments.push(Segment.create(options, Math.max(durable, reported)))
  return true
}

/** Removes temporary files, and index files without a `.log` file: a crash left them. */
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
