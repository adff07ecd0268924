import { ConnectError, plainJson, type SourceOffsetChange } from 'penstock/api'
import { lastCapturedLsn } from './resume-point.ts'
import { aheadOf, isOwnPartition, latestCommitMicros, lineageOf, sourcePartition } from './source-offset.ts'

/**
 * Checks changes of the connector's offsets as a start would read them. Any offset can be removed. Whether the server still has the
 * WAL of a position is checked when the task starts. Always returns true: the slot follows the stored offset.
 * @throws ConnectError, DataError PG_OFFSET
 */
export function checkOffsetChanges(prefix: string, changes: readonly SourceOffsetChange[]): true {
  const own = sourcePartition(prefix)
  for (const { partition, offset } of changes) {
    if (offset === null) continue
    if (partition['server'] !== own['server']) {
      throw new ConnectError(
        `the offset has partition ${plainJson(partition)}, and this connector reads only ${plainJson(own)} (topic.prefix)`,
        { code: 'PG_OFFSET' },
      )
    }
    if (!isOwnPartition(partition)) continue
    lastCapturedLsn(offset)
    lineageOf(offset)
    aheadOf(offset)
    latestCommitMicros(offset)
  }
  return true
}
