import { batchHeaderSize, readBatchHeader, type BatchHeader } from '../../protocol/record-batch/record-batch.ts'
import { notInSequence, type BatchScanner } from '../segment/batch-scanner.ts'
import { batchesBehind, keepTail, type Remains } from './damaged-tail.ts'
import { gapAt, reportLoss, type Evidence, type LoadOptions } from './known-loss.ts'
import { maxRelativeOffset, type Segment } from '../segment/segment.ts'
import { suffixes } from '../segment/segment-files.ts'

/** A segment that is loaded, and what is known about it. */
export interface Loading {
  readonly segment: Segment
  readonly options: LoadOptions
  readonly evidence: Evidence
  /** The base of the next segment; null for the last one. */
  readonly nextBase: number | null
}

/** `cut`: the file was cut at its valid end. `damaged`: the bytes after the fault stay, and cannot be read. */
export type Outcome = 'whole' | 'cut' | 'damaged'

/**
 * Loads the first `size` bytes of a segment, which were durable and indexed and end at `endOffset`; null for the last segment,
 * when the next one is missing. Reads only the batches after the last index entries. Rebuilds indexes that are missing or belong
 * to another `.log` file.
 */
export function trust(loading: Loading, size: number, endOffset: number | null): Outcome {
  const { segment, options, evidence } = loading
  const { indexIntervalBytes } = options.config
  segment.size = size
  segment.endOffset = endOffset ?? evidence.durableEnd
  const { fault, ...end } =
    size === 0
      ? { validBytes: 0, endOffset: segment.baseOffset, fault: null }
      : (segment.scanTail(indexIntervalBytes) ?? segment.rebuildIndexes(indexIntervalBytes))
  if (fault !== null && end.endOffset === endOffset) {
    cut(segment, end.validBytes, fault, options)
    return 'cut'
  }
  if (fault !== null || end.endOffset > segment.endOffset) {
    report(loading, end.endOffset, segment.endOffset, damageAt(end.validBytes, fault ?? notInSequence))
    return 'damaged'
  }
  if (endOffset === null) segment.endOffset = end.endOffset
  else if (end.endOffset < endOffset && gapAt(end.endOffset, evidence, options.config) !== 'hole') {
    report(loading, end.endOffset, endOffset, 'the segment ends too early')
  }
  return 'whole'
}

/** Scans the batches after the recovery point. */
export async function recover(loading: Loading): Promise<Outcome> {
  const { segment, options, evidence, nextBase } = loading
  const { checkpoint, durableEnd } = evidence
  const size = options.fs.sizeOf(segment.path(suffixes.log))
  let outcome: Outcome = 'whole'
  if (checkpoint !== null && segment.baseOffset === checkpoint.recoverySegment && size >= checkpoint.recoveryBytes) {
    segment.truncateIndexes(checkpoint.recoveryBytes, checkpoint.recoveryOffset)
    outcome = trust(loading, checkpoint.recoveryBytes, checkpoint.recoveryOffset)
  } else {
    segment.resetIndexes()
  }
  const damage = scanBelow(durableEnd, loading, size)
  if (damage !== null) {
    const to = nextBase ?? Math.max(durableEnd, remainsOf(loading, size, damage).endOffset)
    report(loading, segment.endOffset, to, damageAt(segment.size, damage))
    segment.size = size
    segment.endOffset = to
    return 'damaged'
  }
  const fault = scanBehind(loading, size)
  if (fault === null) return outcome
  const remains = remainsOf(loading, size, fault)
  if (remains.batches > 0) await setAside(loading, remains, damageAt(segment.size, fault))
  cut(segment, segment.size, fault, options)
  return outcome === 'damaged' ? outcome : 'cut'
}

/**
 * Keeps a copy of a segment that cannot be part of the log, because the records before it are missing, and logs it.
 * @returns false when it has no whole batch; then nothing is kept.
 */
export async function keepWhole(loading: Loading): Promise<boolean> {
  const { segment, options } = loading
  segment.resetIndexes()
  const remains = remainsOf(loading, options.fs.sizeOf(segment.path(suffixes.log)), null)
  if (remains.batches === 0) return false
  await setAside(loading, remains, 'the records before the segment are missing or damaged')
  return true
}

/** Returns the whole batches after the end of the segment so far, where the scan met `fault`. */
function remainsOf({ segment, nextBase }: Loading, size: number, fault: string | null): Remains {
  const limit = Math.min(nextBase ?? Infinity, segment.baseOffset + maxRelativeOffset + 1)
  const range = { from: segment.size, end: size, baseOffset: segment.endOffset, limit }
  const found = batchesBehind(segment.file, range)
  if (fault !== notInSequence) return found
  // The batch itself is whole, and only its base offset is wrong.
  const bytes = Buffer.alloc(batchHeaderSize)
  segment.file.read(bytes, 0, bytes.length, segment.size)
  const { baseOffset, lastOffset } = readBatchHeader(bytes)
  const count = Math.max(lastOffset - baseOffset, 0) + 1
  return { batches: Math.max(found.batches, 1), endOffset: Math.max(found.endOffset, segment.endOffset + count) }
}

async function setAside(loading: Loading, { batches, endOffset }: Remains, reason: string): Promise<void> {
  const { segment, options } = loading
  const { fs, directory } = options
  const tail = { directory, segment: segment.baseOffset, position: segment.size, endOffset }
  const keptIn = await keepTail(fs, segment.file, tail)
  const why = `${reason}; whole batches follow (${batches}), so this is no unfinished end`
  reportLoss(options, { from: segment.endOffset, to: endOffset, reason: why, path: segment.path(suffixes.log), keptIn })
}

function damageAt(position: number, fault: string): string {
  return `the segment is damaged at byte ${position}: ${fault}`
}

function report({ segment, options }: Loading, from: number, to: number, reason: string): void {
  reportLoss(options, { from: Math.min(from, to), to, reason, path: segment.path(suffixes.log) })
}

/** Adds batches that were durable, by their headers. Returns the fault before which the scan stopped; null when there was none. */
function scanBelow(durableEnd: number, loading: Loading, size: number): string | null {
  const { segment } = loading
  if (segment.endOffset >= durableEnd) return null
  const scanner = segment.scan(segment.size, 'headers', size)
  while (segment.endOffset < durableEnd) {
    const header = scanner.next()
    if (header === null) return scanner.fault
    const fault = take(loading, scanner, header)
    if (fault !== null) return fault
  }
  return null
}

/** Adds batches whose CRC is right. Returns why it stopped before the end of the file; null when it did not. */
function scanBehind(loading: Loading, size: number): string | null {
  const { segment } = loading
  const scanner = segment.scan(segment.size, 'whole', size)
  for (let header = scanner.next(); header !== null; header = scanner.next()) {
    const fault = take(loading, scanner, header)
    if (fault !== null) return fault
  }
  return scanner.fault
}

/** Adds one batch to the segment. Returns the fault of its offsets, or null. */
function take(loading: Loading, scanner: BatchScanner, header: BatchHeader): string | null {
  const { segment, options, evidence, nextBase } = loading
  const { position } = scanner
  const expected = segment.endOffset
  if (!segment.follows(header, nextBase ?? Infinity)) return notInSequence
  if (header.baseOffset > expected) {
    const gap = gapAt(expected, evidence, options.config)
    if (gap === 'tail' || scanner.isContradicted()) return notInSequence
    if (gap === 'loss') report(loading, expected, header.baseOffset, 'batches are missing')
  }
  segment.note(header, position, options.config.indexIntervalBytes)
  segment.indexes.relieveMemory()
  return null
}

function cut(segment: Segment, validBytes: number, reason: string, options: LoadOptions): void {
  const path = segment.path(suffixes.log)
  options.logger.warn('cutting the unfinished end of a segment', {
    segment: path,
    reason,
    validBytes,
    cutBytes: options.fs.sizeOf(path) - validBytes,
    nextOffset: segment.endOffset,
  })
  segment.file.truncate(validBytes)
  segment.size = validBytes
}
