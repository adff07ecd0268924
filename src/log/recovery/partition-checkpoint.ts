import type { Logger } from '../../foundation/logging/logger.ts'
import { verifiedText, withChecksum } from './checked-text.ts'
import { readWholeFile, replaceFile, type FileSystem } from '../disk/file-system.ts'

/**
 * The state of a partition outside its segments, in the file `partition-checkpoint`: lines of `name value`, the last one a
 * checksum.
 *
 * Everything before the recovery point was durable, indexed and in a producer snapshot when the file was written; a start scans
 * from there. If the segment ends exactly there, nothing was appended since, and there is nothing to scan. So a clean shutdown
 * needs no marker file, and no marker has to be removed before the first write.
 */
export interface PartitionCheckpoint {
  /** Offsets below it are deleted. Files without a checksum lag behind retention. */
  readonly logStartOffset: number
  /** The first offset that a start has to scan. */
  readonly recoveryOffset: number
  /** The segment that holds the recovery point, and the point's position in its file. */
  readonly recoverySegment: number
  readonly recoveryBytes: number
  /** Records below it were compacted. */
  readonly compactedOffset: number
}

/** The file's name in the partition's directory. */
export const checkpointName = 'partition-checkpoint'

const names = {
  logStartOffset: 'log_start_offset',
  recoveryOffset: 'recovery_offset',
  recoverySegment: 'recovery_segment',
  recoveryBytes: 'recovery_bytes',
  compactedOffset: 'compacted_offset',
} as const

/** The checkpoint of a partition without the file. */
export const noCheckpoint: PartitionCheckpoint = {
  logStartOffset: 0,
  recoveryOffset: 0,
  recoverySegment: 0,
  recoveryBytes: 0,
  compactedOffset: 0,
}

const keys = Object.keys(names) as (keyof PartitionCheckpoint)[]
const form = new RegExp(`^version 0\\n${keys.map((key) => `${names[key]} (\\d{1,15})\\n`).join('')}$`)

/** The checkpoint of a partition; null without one, and for one that is damaged or of a newer version, which is logged. */
export function readCheckpoint(
  fs: FileSystem,
  directory: string,
  logger: Logger,
): { readonly checkpoint: PartitionCheckpoint; readonly isChecked: boolean } | null {
  const path = `${directory}/${checkpointName}`
  if (!fs.exists(path)) return null
  const verified = verifiedText(readWholeFile(fs, path))
  const values = form.exec(verified?.text ?? '')
  if (verified !== null && values !== null) {
    const checkpoint: { -readonly [K in keyof PartitionCheckpoint]: number } = { ...noCheckpoint }
    for (const [i, key] of keys.entries()) checkpoint[key] = Number(values[i + 1])
    return { checkpoint, isChecked: verified.isChecked }
  }
  const isOther = /^version [1-9]\d*\n/.test(verified?.text ?? '')
  logger.error(
    isOther
      ? 'a partition checkpoint is of another version; recovering the partition without it'
      : 'a partition checkpoint is damaged; recovering the partition without it',
    { path, consequence: 'all segments are scanned; records that DeleteRecords removed may be readable again' },
  )
  return null
}

/** Replaces the checkpoint; durable on return. */
export async function writeCheckpoint(
  fs: FileSystem,
  directory: string,
  checkpoint: PartitionCheckpoint,
): Promise<void> {
  const lines = ['version 0', ...keys.map((key) => `${names[key]} ${checkpoint[key]}`)]
  await replaceFile(fs, directory, checkpointName, withChecksum(`${lines.join('\n')}\n`))
}
