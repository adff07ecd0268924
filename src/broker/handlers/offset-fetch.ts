import { errorCodes } from '../../protocol/error-codes.ts'
import { offsetFetch } from '../../protocol/messages/offset-fetch.ts'
import type { RequestOf, ResponseValue } from '../../protocol/schema.ts'
import type { CommittedOffset } from '../coordinator/coordinator-records.ts'
import { nothingCommitted } from '../coordinator/offsets/committed-offsets.ts'
import type { GroupCoordinator } from '../coordinator/groups/group-coordinator.ts'
import { register, type Needs } from '../requests/register.ts'
import { repeatedOf } from '../requests/repeated.ts'

/*
 * OffsetFetch (9), versions 1 to 9: of one group, from version 8 of several. Null topics (v2) mean all that was committed. A
 * partition without an offset, like an unknown group, has offset -1 and no error. `requireStable` changes nothing,
 * for there are no transactional commits. A group that a request names more than once is refused: INVALID_REQUEST.
 */

type TopicsRequest = RequestOf<typeof offsetFetch>['groups'][number]['topics']
type GroupResponse = NonNullable<ResponseValue<typeof offsetFetch>['groups']>[number]
type TopicResponse = GroupResponse['topics'][number]

/** Serves OffsetFetch. */
export const offsetFetchRegistration = register(
  offsetFetch,
  ({ groups }: Needs<'groups'>) =>
    (request, { apiVersion }) => {
      if (apiVersion < 8)
        return { topics: committed(groups, request.groupId, request.topics), errorCode: errorCodes.NONE }
      const repeated = repeatedOf(request.groups, ({ groupId }) => groupId)
      return {
        groups: request.groups.map((group) => {
          const { groupId } = group
          if (repeated.has(group)) return { groupId, topics: [], errorCode: errorCodes.INVALID_REQUEST }
          return { groupId, topics: committed(groups, groupId, group.topics), errorCode: errorCodes.NONE }
        }),
      }
    },
)

function committed({ offsets }: GroupCoordinator, groupId: string, topics: TopicsRequest): TopicResponse[] {
  if (topics !== null) {
    return topics.map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map((index) =>
        responseFor(index, offsets.get(groupId, name, index) ?? nothingCommitted),
      ),
    }))
  }
  return Array.from(offsets.topicsOf(groupId), ([name, partitions]) => ({
    name,
    partitions: Array.from(partitions, ([index, offset]) => responseFor(index, offset)),
  }))
}

function responseFor(
  partitionIndex: number,
  { offset, leaderEpoch, metadata }: CommittedOffset,
): TopicResponse['partitions'][number] {
  return {
    partitionIndex,
    committedOffset: offset,
    committedLeaderEpoch: leaderEpoch,
    metadata,
    errorCode: errorCodes.NONE,
  }
}
