import { ConnectError, type SourceOffset, type SourceOffsetChange, type SourcePartition } from 'penstock/api'

import type { ArchiveUnit, Position } from './archive/archive-unit.ts'

/**
 * The source partition of a directory of a Kafka partition. Each replay of dead letters has one of its own: its objects appear when later
 * ones are read.
 */
export function sourcePartitionOf(
  bucket: string,
  { topic, partition, directory, replayId }: Pick<ArchiveUnit, 'topic' | 'partition' | 'directory' | 'replayId'>,
): SourcePartition {
  return { bucket, directory, topic, partition, ...(replayId === null ? {} : { replay: replayId }) }
}

export function sourceOffsetOf({ start, record, tag, complete }: Position): SourceOffset {
  return { start, record, tag, complete }
}

/** @throws ConnectError for an offset that this connector did not write */
export function positionOf(offset: SourceOffset): Position {
  const { start, record, tag = '', complete = false } = offset
  if (isCount(start) && isCount(record) && typeof tag === 'string' && typeof complete === 'boolean')
    return { start, record, tag, complete }
  throw new ConnectError(
    `the stored offset ${JSON.stringify(offset, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value))} is none of this connector: it needs "start", the offset in the name of an object, and "record", the number of its records that are read. Reset the offsets: DELETE /connectors/{name}/offsets`,
    { code: 'S3_SOURCE_OFFSET' },
  )
}

/** Checks changes of the stored offsets. Always returns true: there are no other offsets. @throws ConnectError */
export function checkOffsetChanges(changes: readonly SourceOffsetChange[]): true {
  for (const { partition, offset } of changes) {
    if (offset === null) continue
    for (const key of ['bucket', 'directory', 'topic', 'partition'])
      if (!(key in partition)) throw new ConnectError(`Partition objects should contain the key '${key}'`)
    positionOf(offset)
  }
  return true
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
