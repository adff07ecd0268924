import { errorCodes } from '../../protocol/error-codes.ts'
import { TopicError } from '../topics/topic-error.ts'

/** Maximum partitions that one request may create, as in Kafka's controller (`MAX_PARTITIONS_PER_BATCH`): each is a directory. */
const maxPartitionsPerRequest = 10_000

/** Returns why a request may not create this many partitions; null when it may. */
export function partitionsFault(counts: readonly number[]): TopicError | null {
  const sum = counts.reduce((total, count) => total + count, 0)
  if (sum <= maxPartitionsPerRequest) return null
  return new TopicError(
    errorCodes.POLICY_VIOLATION,
    `Excessively large number of partitions per request: ${sum} is more than ${maxPartitionsPerRequest}.`,
  )
}
