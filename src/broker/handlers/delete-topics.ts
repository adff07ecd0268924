import { LogError } from '../../log/log-error.ts'
import { errorCodes } from '../../protocol/error-codes.ts'
import { deleteTopics } from '../../protocol/messages/delete-topics.ts'
import { zeroUuid, type ResponseValue } from '../../protocol/schema.ts'
import type { BrokerState } from '../broker-state.ts'
import { register } from '../requests/register.ts'
import { TopicError } from '../topics/topic-error.ts'

/*
 * DeleteTopics (20), versions 1 to 6: by name, from version 6 by name or id. Internal topics are not deleted. A Fetch that
 * waits for a deleted topic fails with UNKNOWN_TOPIC_OR_PARTITION.
 */

type Result = ResponseValue<typeof deleteTopics>['responses'][number]

/** Serves DeleteTopics. */
export const deleteTopicsRegistration = register(
  deleteTopics,
  (state: BrokerState) =>
    async (request, { apiVersion }) => {
      const queries = apiVersion >= 6 ? request.topics : request.topicNames.map((name) => ({ name, topicId: zeroUuid }))
      const responses: Result[] = []
      for (const query of queries) responses.push(await remove(state, query))
      return { responses }
    },
)

async function remove(
  state: BrokerState,
  { name, topicId }: { readonly name: string | null; readonly topicId: string },
): Promise<Result> {
  if (name !== null && topicId !== zeroUuid) {
    return {
      name,
      topicId,
      errorCode: errorCodes.INVALID_REQUEST,
      errorMessage: 'A topic is named or given by id, not both.',
    }
  }
  const topic = name === null ? state.topics.byId(topicId) : state.topics.get(name)
  if (topic === undefined) {
    const errorCode = name === null ? errorCodes.UNKNOWN_TOPIC_ID : errorCodes.UNKNOWN_TOPIC_OR_PARTITION
    return { name, topicId, errorCode, errorMessage: 'This server does not host this topic.' }
  }
  if (topic.isInternal) {
    return {
      name: topic.name,
      topicId: topic.id,
      errorCode: errorCodes.INVALID_REQUEST,
      errorMessage: `${topic.name} belongs to the broker.`,
    }
  }
  try {
    await state.topics.delete(topic.name)
    return { name: topic.name, topicId: topic.id, errorCode: errorCodes.NONE, errorMessage: null }
  } catch (error) {
    if (!(error instanceof TopicError) && !(error instanceof LogError)) throw error
    return { name: topic.name, topicId: topic.id, errorCode: error.errorCode, errorMessage: error.message }
  }
}
