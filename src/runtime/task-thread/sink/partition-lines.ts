import { formatTopicPartition, type TopicPartition } from '../../../foundation/topic-partition.ts'
import type { OffsetToCommit } from '../../../api/task.ts'
import type { Logger } from '../../../foundation/logging/logger.ts'
import { clipped } from '../../../foundation/logging/clipped.ts'
import { namesOf } from './sink-positions.ts'

/** The most characters of partition names in a line. */
const maxNames = 500

/** Logs the partitions that a sink task is assigned, and the offset at which it starts to read each. */
export function logAssigned(logger: Logger, offsets: readonly OffsetToCommit[]): void {
  const begins = offsets.map((begin) => `${formatTopicPartition(begin)} from ${begin.offset}`)
  logger.info(`partitions assigned: ${clipped(begins.join(', '), maxNames)}`)
}

/** Logs the partitions that are revoked from a sink task; `lost` ones belong to another member already. */
export function logRevoked(logger: Logger, partitions: readonly TopicPartition[], lost: boolean): void {
  logger.info(`partitions ${lost ? 'lost' : 'revoked'}: ${clipped(namesOf(partitions), maxNames)}`)
}
