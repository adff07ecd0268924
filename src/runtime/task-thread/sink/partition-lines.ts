import type { TopicPartition } from '../../../foundation/topic-partition.ts'
import type { OffsetToCommit } from '../../../api/task.ts'
import type { Logger } from '../../../foundation/logging/logger.ts'
import { clipped } from '../../../foundation/logging/clipped.ts'
import { keyOf, namesOf } from './sink-positions.ts'

/** A line holds so many characters of partitions at most. */
const maxNames = 500

/** Logs which partitions a sink task was given, and where it begins to read each. */
export function logAssigned(logger: Logger, offsets: readonly OffsetToCommit[]): void {
  const begins = offsets.map(({ topic, partition, offset }) => `${keyOf(topic, partition)} from ${offset}`)
  logger.info(`partitions assigned: ${clipped(begins.join(', '), maxNames)}`)
}

/** Logs which partitions a sink task gives up; `lost` ones are another's already. */
export function logRevoked(logger: Logger, partitions: readonly TopicPartition[], lost: boolean): void {
  logger.info(`partitions ${lost ? 'lost' : 'revoked'}: ${clipped(namesOf(partitions), maxNames)}`)
}
