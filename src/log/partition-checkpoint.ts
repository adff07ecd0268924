import { readWholeFile, replaceFile, type FileSystem } from './file-system.ts'

/**
 * What a partition knows about itself beyond its segments, in `partition-checkpoint`: lines of `name value`.
 *
 * The recovery point says that everything before it was durable, indexed and snapshotted when the file was written; a start
 * scans from there. When the segment ends exactly there, nothing was appended since and there is nothing to scan: a clean stop
 * needs no mark of its own, and no mark has to be removed before the first write.
 */
export interface PartitionCheckpoint {
  /** Offsets below it are deleted. */
  readonly logStartOffset: number
  /** The first offset a start has to look at. */
  readonly recoveryOffset: number
  /** The segment that holds the recovery point, and the point's position in its file. */
  readonly recoverySegment: number
  readonly recoveryBytes: number
  /** Records below it were compacted. */
  readonly compactedOffset: number
}

/** The file's name in the partition's folder. */
export const checkpointName = 'partition-checkpoint'

const names = {
  logStartOffset: 'log_start_offset',
  recoveryOffset: 'recovery_offset',
  recoverySegment: 'recovery_segment',
  recoveryBytes: 'recovery_bytes',
  compactedOffset: 'compacted_offset',
} as const

const noCheckpoint: PartitionCheckpoint = {
  logStartOffset: 0,
  recoveryOffset: 0,
  recoverySegment: 0,
  recoveryBytes: 0,
  compactedOffset: 0,
}

/** The checkpoint of a partition. Without a file, or with one that does not read as one: everything has to be scanned. */
export function readCheckpoint(fs: FileSystem, directory: string): PartitionCheckpoint {
  const path = `${directory}/${checkpointName}`
  if (!fs.exists(path)) return noCheckpoint
  const values = new Map<string, number>()
  for (const line of readWholeFile(fs, path).toString('utf8').split('\n')) {
    const [name, value] = line.split(' ')
    if (name !== undefined && value !== undefined && /^\d+$/.test(value)) values.set(name, Number(value))
  }
  if (values.get('version') !== 0) return noCheckpoint
  return {
    logStartOffset: values.get(names.logStartOffset) ?? 0,
    recoveryOffset: values.get(names.recoveryOffset) ?? 0,
    recoverySegment: values.get(names.recoverySegment) ?? 0,
    recoveryBytes: values.get(names.recoveryBytes) ?? 0,
    compactedOffset: values.get(names.compactedOffset) ?? 0,
  }
}

/** Replaces the checkpoint; durable on return. */
export async function writeCheckpoint(
  fs: FileSystem,
  directory: string,
  checkpoint: PartitionCheckpoint,
): Promise<void> {
  const lines = [
    'version 0',
    ...Object.entries(names).map(([key, name]) => `${name} ${checkpoint[key as keyof typeof names]}`),
  ]
  await replaceFile(fs, directory, checkpointName, Buffer.from(`${lines.join('\n')}\n`, 'utf8'))
}
