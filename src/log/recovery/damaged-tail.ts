import { batchHeaderSize, batchSizeAt } from '../../protocol/record-batch/record-batch.ts'
import { BatchScanner, type ScanRange } from '../segment/batch-scanner.ts'
import type { FileSystem, LogFile } from '../disk/file-system.ts'
import { fileName, suffixes } from '../segment/segment-files.ts'

/*
 * The part that recovery cuts off although it may have been acknowledged. A power failure leaves an incomplete end; after damage
 * there are whole batches. Such a part is kept in a file beside the segment, byte for byte, for an operator:
 *
 *   <base>.log.damaged-<position>-<end>    the bytes of <base>.log from <position> on; their last offset is <end> - 1
 *
 * The file is not part of the log: it is never read, and removed only with the partition. It is at most as large as one segment.
 * Because of its name, a later start assigns no offset below <end>, even before the first checkpoint.
 */
const namePattern = /^\d{20}\.log\.damaged-\d+-(\d+)$/
const windowBytes = 1024 * 1024
const magicAt = 16
const lastOffsetDeltaAt = 23

/** Whole batches after damage. */
export interface Remains {
  readonly batches: number
  /** The offset after the last of them. */
  readonly endOffset: number
}

/**
 * Searches for whole batches (length, magic and CRC are right) at every byte from `from` on, with ascending offsets from
 * `baseOffset` to below `limit`. @throws the system's error when a read fails.
 */
export function batchesBehind(file: LogFile, range: ScanRange & { readonly limit: number }): Remains {
  const { from, end, baseOffset, limit } = range
  const window = Buffer.allocUnsafe(Math.min(windowBytes, Math.max(end - from, 0)))
  let found: Remains = { batches: 0, endOffset: baseOffset }
  for (let at = from; end - at >= batchHeaderSize;) {
    const length = file.read(window, 0, Math.min(window.length, end - at), at)
    if (length < batchHeaderSize) break
    let next = at + length - batchHeaderSize + 1
    const offsets = { lowest: found.endOffset, limit }
    for (let i = candidate(window, 0); i >= 0 && at + i < next; i = candidate(window, i + 1)) {
      if (!looksLikeBatch(window, i, end - at - i, offsets)) continue
      const run = runOf(file, { from: at + i, end, baseOffset: found.endOffset }, limit)
      if (run.batches === 0) continue
      found = { batches: found.batches + run.batches, endOffset: run.endOffset }
      next = run.position
      break
    }
    at = next
  }
  return found
}

/** Returns the next position with the magic of a batch; -1 when there is none. */
function candidate(window: Buffer, from: number): number {
  const found = window.indexOf(2, from + magicAt)
  return found < 0 ? -1 : found - magicAt
}

function looksLikeBatch(
  window: Buffer,
  at: number,
  left: number,
  { lowest, limit }: { readonly lowest: number; readonly limit: number },
): boolean {
  const size = batchSizeAt(window, at)
  if (size < batchHeaderSize || size > left) return false
  const baseOffset = Number(window.readBigInt64BE(at)) // Any bytes: what reads a header may throw.
  const lastOffsetDelta = window.readInt32BE(at + lastOffsetDeltaAt)
  return baseOffset >= lowest && lastOffsetDelta >= 0 && baseOffset + lastOffsetDelta < limit
}

/** Returns the consecutive whole batches at a position. */
function runOf(file: LogFile, range: ScanRange, limit: number): Remains & { readonly position: number } {
  const scanner = new BatchScanner(file, range, 'whole')
  let run = { batches: 0, endOffset: range.baseOffset, position: range.from }
  for (let header = scanner.next(); header !== null && header.lastOffset < limit; header = scanner.next()) {
    const position = scanner.position + header.sizeInBytes
    run = { batches: run.batches + 1, endOffset: header.lastOffset + 1, position }
  }
  return run
}

/** The names of the ends that are kept in a partition's directory. */
export function damagedFiles(fs: FileSystem, directory: string): string[] {
  return fs.exists(directory) ? fs.list(directory).filter((name) => namePattern.test(name)) : []
}

/** Returns the offset below which none may be assigned, by the kept ends; 0 without one. */
export function damagedEnd(fs: FileSystem, directory: string): number {
  return Math.max(0, ...damagedFiles(fs, directory).map((name) => Number(namePattern.exec(name)?.[1])))
}

/** Which end of which segment. */
export interface DamagedTail {
  readonly directory: string
  readonly segment: number
  readonly position: number
  readonly endOffset: number
}

/**
 * Copies the end of a segment beside it. Durable on return, name included: the segment may be cut then.
 * @returns the path. @throws the system's error: the segment must not be cut.
 */
export async function keepTail(fs: FileSystem, file: LogFile, tail: DamagedTail): Promise<string> {
  const { directory, segment, position, endOffset } = tail
  const path = `${directory}/${fileName(segment, suffixes.log)}.damaged-${position}-${endOffset}`
  const beside = `${path}.tmp`
  const copy = fs.open(beside, 'create')
  try {
    const window = Buffer.allocUnsafe(windowBytes)
    for (let at = position; ;) {
      const length = file.read(window, 0, window.length, at)
      if (length === 0) break
      copy.write(window.subarray(0, length), at - position)
      at += length
    }
    await copy.sync()
  } finally {
    copy.close()
  }
  fs.rename(beside, path)
  await fs.syncDirectory(directory)
  return path
}
