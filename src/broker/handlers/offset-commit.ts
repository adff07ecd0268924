import { errorCodes } from '../../protocol/error-codes.ts'
import { offsetCommit } from '../../protocol/messages/offset-commit.ts'
import type { RequestOf } from '../../protocol/schema.ts'
import type { OffsetToCommit } from '../coordinator/offsets/committed-offsets.ts'
import { register, type Needs } from '../requests/register.ts'

/*
 * OffsetCommit (8), versions 2 to 9. The offsets are durable before the response (I1). The retention time of versions 2 to 4 is
 * ignored, as Kafka does by default. Negative offsets are stored as they come: kafkajs commits -1 and -2.
 */

type Request = RequestOf<typeof offsetCommit>
type PartitionRequest = Request['topics'][number]['partitions'][number]

type Broker = Needs<'groups' | 'topics' | 'coordinators'>

/** Serves OffsetCommit. */
export const offsetCommitRegistration = register(
  offsetCommit,
  (broker: Broker) =>
    async (request, { clientId, clientHost }) => {
      const faults = new Map<PartitionRequest, number>()
      const valid: OffsetToCommit[] = []
      for (const { name: topic, partitions } of request.topics) {
        for (const partition of partitions) {
          const fault = faultOf(broker, topic, partition)
          if (fault === errorCodes.NONE) valid.push(toCommit(topic, partition))
          else faults.set(partition, fault)
        }
      }
      const { groupId, memberId, groupInstanceId, generationIdOrMemberEpoch: generationId } = request
      const committer = { memberId, groupInstanceId, generationId, clientId: clientId ?? '', clientHost }
      const committed = await broker.groups.commit(groupId, committer, valid)
      return {
        topics: request.topics.map(({ name, partitions }) => ({
          name,
          partitions: partitions.map((partition) => ({
            partitionIndex: partition.partitionIndex,
            errorCode: faults.get(partition) ?? committed,
          })),
        })),
      }
    },
)

function faultOf({ topics, coordinators }: Broker, topic: string, request: PartitionRequest): number {
  if (topics.partition(topic, request.partitionIndex) === undefined) return errorCodes.UNKNOWN_TOPIC_OR_PARTITION
  const isTooLong = (request.committedMetadata?.length ?? 0) > coordinators.offsetMetadataMaxBytes
  return isTooLong ? errorCodes.OFFSET_METADATA_TOO_LARGE : errorCodes.NONE
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
