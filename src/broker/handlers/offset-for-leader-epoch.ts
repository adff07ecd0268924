import { errorCodes } from '../../protocol/error-codes.ts'
import { offsetForLeaderEpoch } from '../../protocol/messages/offset-for-leader-epoch.ts'
import type { BrokerState } from '../broker-state.ts'
import { register } from '../requests/register.ts'
import { leaderEpoch, leaderEpochFault } from '../topics/leader-epoch.ts'

/* OffsetForLeaderEpoch (23), versions 2 to 4: the only epoch ends at the high watermark; any other is unknown. */

/** Serves OffsetForLeaderEpoch. */
export const offsetForLeaderEpochRegistration = register(offsetForLeaderEpoch, (state: BrokerState) => (request) => ({
  topics: request.topics.map(({ topic, partitions }) => ({
    topic,
    partitions: partitions.map((query) => {
      const log = state.topics.partition(topic, query.partition)
      const fault =
        log === undefined
          ? errorCodes.UNKNOWN_TOPIC_OR_PARTITION
          : log === null
            ? errorCodes.KAFKA_STORAGE_ERROR
            : leaderEpochFault(query.currentLeaderEpoch)
      if (log === undefined || log === null || fault !== null || query.leaderEpoch !== leaderEpoch) {
        return { errorCode: fault ?? errorCodes.NONE, partition: query.partition }
      }
      return { errorCode: errorCodes.NONE, partition: query.partition, leaderEpoch, endOffset: log.highWatermark }
    }),
  })),
}))
