import type { Logger } from '../../foundation/logging/logger.ts'
import type { FileSystem } from '../disk/file-system.ts'

/** The names of a partition's files, which are Kafka's: the 20-digit offset of the first record, then what the file is. */

export const suffixes = {
  log: '.log',
  offsetIndex: '.index',
  timeIndex: '.timeindex',
  transactionIndex: '.txnindex',
  snapshot: '.snapshot',
  /** The output of a compaction that is being written. */
  cleaned: '.cleaned',
} as const

/** The kinds of file that make up one segment. */
export const segmentSuffixes = [
  suffixes.log,
  suffixes.offsetIndex,
  suffixes.timeIndex,
  suffixes.transactionIndex,
] as const

/** `00000000000000000042.log` for offset 42 and suffix `.log`. */
export function fileName(offset: number, suffix: string): string {
  return `${String(offset).padStart(20, '0')}${suffix}`
}

/** The offset in a file's name; null when it does not end in `suffix` or is none of ours. */
export function offsetOfName(name: string, suffix: string): number | null {
  if (name.length !== 20 + suffix.length || !name.endsWith(suffix)) return null
  const digits = name.slice(0, 20)
  return /^\d{20}$/.test(digits) ? Number(digits) : null
}

/** The offsets of all files with this suffix, ascending. */
export function offsetsWithSuffix(names: readonly string[], suffix: string): number[] {
  const offsets: number[] = []
  for (const name of names) {
    const offset = offsetOfName(name, suffix)
    if (offset !== null) offsets.push(offset)
  }
  return offsets.sort((a, b) => a - b)
}

/** The location of segments, and what they share. */
export interface SegmentPlace {
  readonly fs: FileSystem
  readonly directory: string
  readonly nowMs: number
  readonly logger: Logger
}

/** The result of a scan of a segment's batches. */
export interface ScannedEnd {
  readonly validBytes: number
  readonly endOffset: number
  /** Why the scan stopped before the segment's end; null when it did not. */
  readonly fault: string | null
}
