import { errorCodes } from '../../protocol/error-codes.ts'
import { offsetDelete } from '../../protocol/messages/offset-delete.ts'
import { subscribedTopics } from '../coordinator/groups/consumer-subscription.ts'
import { register, type Needs } from '../requests/register.ts'

/*
 * OffsetDelete (47), version 0: forgets offsets of single partitions. A group with members must be of consumers, and may not be
 * subscribed to the topic.
 */

/** Serves OffsetDelete. */
export const offsetDeleteRegistration = register(
  offsetDelete,
  ({ groups, topics }: Needs<'groups' | 'topics'>) =>
    async ({ groupId, topics: wanted }) => {
      const group = groups.get(groupId)
      if (group === undefined) return { errorCode: errorCodes.GROUP_ID_NOT_FOUND, topics: [] }
      if (!group.roster.isEmpty && group.protocolType !== 'consumer') {
        return { errorCode: errorCodes.NON_EMPTY_GROUP, topics: [] }
      }
      const subscribed = subscribedTopics(group)
      const faultOf = (topic: string, partition: number): number => {
        if (subscribed === null || subscribed.has(topic)) return errorCodes.GROUP_SUBSCRIBED_TO_TOPIC
        return topics.partition(topic, partition) === undefined
          ? errorCodes.UNKNOWN_TOPIC_OR_PARTITION
          : errorCodes.NONE
      }
      const judged = wanted.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, fault: faultOf(name, partitionIndex) })),
      }))
      const deletable = judged.flatMap(({ name, partitions }) =>
        partitions
          .filter(({ fault }) => fault === errorCodes.NONE)
          .map((one) => ({ topic: name, partition: one.partitionIndex })),
      )
      const deleted = await groups.offsetStore.delete(groupId, deletable)
      return {
        errorCode: errorCodes.NONE,
        topics: judged.map(({ name, partitions }) => ({
          name,
          partitions: partitions.map(({ partitionIndex, fault }) => ({
            partitionIndex,
            errorCode: fault === errorCodes.NONE ? deleted : fault,
          })),
        })),
      }
    },
)
