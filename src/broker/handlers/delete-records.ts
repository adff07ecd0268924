import { LogError } from '../../log/log-error.ts'
import { errorCodes } from '../../protocol/error-codes.ts'
import { deleteRecords } from '../../protocol/messages/delete-records.ts'
import type { RequestOf, ResponseValue } from '../../protocol/schema.ts'
import type { BrokerState } from '../broker-state.ts'
import { register } from '../requests/register.ts'

/*
 * DeleteRecords (21), versions 0 to 2: moves the log start up to an offset; -1 means the high watermark. Offsets at or below the
 * log start change nothing; those above the high watermark are out of range.
 */

type Query = RequestOf<typeof deleteRecords>['topics'][number]['partitions'][number]
type Result = ResponseValue<typeof deleteRecords>['topics'][number]['partitions'][number]

const highWatermark = -1

/** Serves DeleteRecords. */
export const deleteRecordsRegistration = register(deleteRecords, (state: BrokerState) => async (request) => {
  const topics = []
  for (const { name, partitions } of request.topics) {
    topics.push({ name, partitions: await Promise.all(partitions.map((query) => remove(state, name, query))) })
  }
  return { topics }
})

async function remove(state: BrokerState, topicName: string, { partitionIndex, offset }: Query): Promise<Result> {
  const topic = state.topics.get(topicName)
  const log = topic?.partitions[partitionIndex]
  const refused = (errorCode: number): Result => ({ partitionIndex, lowWatermark: -1, errorCode })
  if (topic === undefined || log === undefined) return refused(errorCodes.UNKNOWN_TOPIC_OR_PARTITION)
  if (log === null) return refused(errorCodes.KAFKA_STORAGE_ERROR)
  if (topic.isInternal) return refused(errorCodes.INVALID_TOPIC_EXCEPTION)
  // A compacted topic keeps the last record of every key, so clients may not delete its records.
  if (log.config.compact && !log.config.delete) return refused(errorCodes.POLICY_VIOLATION)
  if (offset < highWatermark) return refused(errorCodes.OFFSET_OUT_OF_RANGE)
  try {
    await log.advanceLogStart(offset === highWatermark ? log.highWatermark : offset)
    return { partitionIndex, lowWatermark: log.logStartOffset, errorCode: errorCodes.NONE }
  } catch (error) {
    if (!(error instanceof LogError)) throw error
    return refused(error.errorCode)
  }
}
