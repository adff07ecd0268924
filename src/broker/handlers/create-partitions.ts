import { LogError } from '../../log/log-error.ts'
import { errorCodes } from '../../protocol/error-codes.ts'
import { createPartitions } from '../../protocol/messages/create-partitions.ts'
import type { RequestOf, ResponseValue } from '../../protocol/schema.ts'
import type { BrokerState } from '../broker-state.ts'
import { register } from '../requests/register.ts'
import { partitionsFault } from '../requests/partitions-per-request.ts'
import { TopicError } from '../topics/topic-error.ts'

/* CreatePartitions (37), versions 0 to 3: `count` is the total. One result for every topic of the request. */

type TopicRequest = RequestOf<typeof createPartitions>['topics'][number]
type Result = ResponseValue<typeof createPartitions>['results'][number]

/** Serves CreatePartitions. */
export const createPartitionsRegistration = register(createPartitions, (state: BrokerState) => async (request) => {
  const added = request.topics.map(({ name, count }) =>
    Math.max(count - (state.topics.get(name)?.partitions.length ?? count), 0),
  )
  const tooMany = partitionsFault(added)
  const results: Result[] = []
  for (const topic of request.topics)
    results.push(tooMany === null ? await raise(state, topic, request.validateOnly) : refused(topic, tooMany))
  return { results }
})

async function raise(state: BrokerState, topic: TopicRequest, validateOnly: boolean): Promise<Result> {
  try {
    check(state, topic)
    if (!validateOnly) await state.topics.addPartitions(topic.name, topic.count)
    return { name: topic.name, errorCode: errorCodes.NONE, errorMessage: null }
  } catch (error) {
    if (!(error instanceof TopicError) && !(error instanceof LogError)) throw error
    return refused(topic, error)
  }
}

function refused({ name }: TopicRequest, { errorCode, message }: TopicError | LogError): Result {
  return { name, errorCode, errorMessage: message }
}

function check(state: BrokerState, { name, count, assignments }: TopicRequest): void {
  const topic = state.topics.get(name)
  if (topic === undefined) throw new TopicError(errorCodes.UNKNOWN_TOPIC_OR_PARTITION, `There is no topic '${name}'.`)
  const current = topic.partitions.length
  if (topic.isInternal) throw new TopicError(errorCodes.INVALID_REQUEST, `${name} belongs to the broker.`)
  if (count <= current || count > state.config.maxPartitionsPerTopic) {
    throw new TopicError(
      errorCodes.INVALID_PARTITIONS,
      `Topic ${name} has ${current} partitions; ${count} is not more, or above ${state.config.maxPartitionsPerTopic}.`,
    )
  }
  if (assignments === null) return
  const { nodeId } = state.node()
  const isHere = assignments.every(({ brokerIds }) => brokerIds.length === 1 && brokerIds[0] === nodeId)
  if (assignments.length !== count - current || !isHere) {
    throw new TopicError(
      errorCodes.INVALID_REPLICA_ASSIGNMENT,
      `Every added partition has broker ${nodeId} as its only replica.`,
    )
  }
}
