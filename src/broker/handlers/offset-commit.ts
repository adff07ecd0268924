import { errorCodes } from '../../protocol/error-codes.ts'
import { offsetCommit } from '../../protocol/messages/offset-commit.ts'
import type { RequestOf } from '../../protocol/schema.ts'
import type { CoordinatorConfig } from '../coordinator/coordinator-config.ts'
import type { OffsetToCommit } from '../coordinator/groups/committed-offsets.ts'
import type { GroupCoordinator } from '../coordinator/groups/group-coordinator.ts'
import { defineHandler, type Handler } from '../requests/handler.ts'
import type { Topics } from '../topics/topics.ts'

/*
 * OffsetCommit (8), versions 2 to 9. The offsets are durable before the answer. The retention time of versions 2 to 4 is
 * ignored, as Kafka does by default. Negative offsets are stored as they come: kafkajs commits -1 and -2.
 */

type Request = RequestOf<typeof offsetCommit>
type PartitionRequest = Request['topics'][number]['partitions'][number]

/** Serves OffsetCommit. */
export function offsetCommitHandler(
  coordinator: GroupCoordinator,
  topics: Topics,
  config: Pick<CoordinatorConfig, 'offsetMetadataMaxBytes'>,
): Handler {
  const faultOf = (topic: string, { partitionIndex, committedMetadata }: PartitionRequest): number => {
    if (topics.partition(topic, partitionIndex) === undefined) return errorCodes.UNKNOWN_TOPIC_OR_PARTITION
    const isTooLong = (committedMetadata?.length ?? 0) > config.offsetMetadataMaxBytes
    return isTooLong ? errorCodes.OFFSET_METADATA_TOO_LARGE : errorCodes.NONE
  }
  return defineHandler(offsetCommit, async (request, { clientId, clientHost }) => {
    const faults = new Map<PartitionRequest, number>()
    const valid: OffsetToCommit[] = []
    for (const { name: topic, partitions } of request.topics) {
      for (const partition of partitions) {
        const fault = faultOf(topic, partition)
        if (fault === errorCodes.NONE) valid.push(toCommit(topic, partition))
        else faults.set(partition, fault)
      }
    }
    const { groupId, memberId, groupInstanceId, generationIdOrMemberEpoch: generationId } = request
    const committer = { memberId, groupInstanceId, generationId, clientId: clientId ?? '', clientHost }
    const committed = await coordinator.commit(groupId, committer, valid)
    return {
      topics: request.topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map((partition) => ({
          partitionIndex: partition.partitionIndex,
          errorCode: faults.get(partition) ?? committed,
        })),
      })),
    }
  })
}

function toCommit(topic: string, request: PartitionRequest): OffsetToCommit {
  return {
    topic,
    partition: request.partitionIndex,
    offset: request.committedOffset,
    leaderEpoch: request.committedLeaderEpoch,
    metadata: request.committedMetadata ?? '',
  }
}
