import { type IsolationLevel, isolationLevelOf } from '../../protocol/isolation-level.ts'
import { LogError } from '../../log/log-error.ts'
import type { PartitionLog } from '../../log/partition-log.ts'
import { errorCodes } from '../../protocol/error-codes.ts'
import { listOffsets } from '../../protocol/messages/list-offsets.ts'
import type { RequestOf, ResponseValue } from '../../protocol/schema.ts'
import type { BrokerState } from '../broker-state.ts'
import { register } from '../requests/register.ts'
import { repeatedOf } from '../requests/repeated.ts'
import { leaderEpoch, leaderEpochFault } from '../topics/leader-epoch.ts'

/*
 * ListOffsets (2), versions 1 to 10.
 *
 * - -1 the end (read_committed: the last stable offset), -2 the log start, -3 the largest timestamp (v7), -4 the local log start
 *   (v8; the same here), -5 the last tiered offset (v9; always -1). Other negative numbers: UNSUPPORTED_VERSION.
 * - A time finds the first visible record at or after it; none is offset -1 without an error. If the record may be in a batch that
 *   cannot be decoded: CORRUPT_MESSAGE.
 * - A partition that a request names more than once is refused each time: INVALID_REQUEST.
 */

type PartitionQuery = RequestOf<typeof listOffsets>['topics'][number]['partitions'][number]
type PartitionResponse = ResponseValue<typeof listOffsets>['topics'][number]['partitions'][number]

const special = { end: -1, start: -2, maxTimestamp: -3, localStart: -4, tiered: -5 } as const
const firstVersionOf: Readonly<Record<number, number>> = { [-3]: 7, [-4]: 8, [-5]: 9 }

/** Serves ListOffsets. */
export const listOffsetsRegistration = register(listOffsets, (state: BrokerState) => (request, { apiVersion }) => {
  const isolation = isolationLevelOf(request.isolationLevel)
  const names = new Map<PartitionQuery, string>()
  for (const { name, partitions } of request.topics)
    for (const query of partitions) names.set(query, `${name}/${query.partitionIndex}`)
  const repeated = repeatedOf([...names.keys()], (query) => names.get(query) ?? '')
  return {
    topics: request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map((query) => {
        if (repeated.has(query)) return refused(query, errorCodes.INVALID_REQUEST)
        const log = state.topics.partition(name, query.partitionIndex)
        if (log === undefined) return refused(query, errorCodes.UNKNOWN_TOPIC_OR_PARTITION)
        if (log === null) return refused(query, errorCodes.KAFKA_STORAGE_ERROR)
        return responseFor(log, query, isolation, apiVersion)
      }),
    })),
  }
})

function responseFor(
  log: PartitionLog,
  query: PartitionQuery,
  isolation: IsolationLevel,
  version: number,
): PartitionResponse {
  const epochFault = leaderEpochFault(query.currentLeaderEpoch)
  if (epochFault !== null) return refused(query, epochFault)
  if (query.timestamp < 0 && version < (firstVersionOf[query.timestamp] ?? 1)) {
    return refused(query, errorCodes.UNSUPPORTED_VERSION)
  }
  try {
    const found = find(log, query.timestamp, isolation)
    if (found === null) return refused(query, errorCodes.UNSUPPORTED_VERSION)
    const epoch = found.offset < 0 ? -1 : leaderEpoch
    return { partitionIndex: query.partitionIndex, errorCode: errorCodes.NONE, leaderEpoch: epoch, ...found }
  } catch (error) {
    if (!(error instanceof LogError)) throw error
    return refused(query, error.errorCode)
  }
}

/** Null: there is no such special value. */
function find(
  log: PartitionLog,
  timestamp: number,
  isolation: IsolationLevel,
): { timestamp: number; offset: number } | null {
  const nothing = { timestamp: -1, offset: -1 }
  switch (timestamp) {
    case special.end:
      return { timestamp: -1, offset: isolation === 'read_committed' ? log.lastStableOffset : log.highWatermark }
    case special.start:
    case special.localStart:
      return { timestamp: -1, offset: log.logStartOffset }
    case special.maxTimestamp:
      return log.offsetOfMaxTimestamp(isolation) ?? nothing
    case special.tiered:
      return nothing
    default:
      return timestamp < 0 ? null : (log.offsetForTimestamp(timestamp, isolation) ?? nothing)
  }
}

function refused({ partitionIndex }: PartitionQuery, errorCode: number): PartitionResponse {
  return { partitionIndex, errorCode }
}
