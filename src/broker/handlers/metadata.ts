import { LogError } from '../../log/log-error.ts'
import { errorCodes, errorName } from '../../protocol/error-codes.ts'
import { metadata } from '../../protocol/messages/metadata.ts'
import { zeroUuid, type RequestOf, type ResponseValue } from '../../protocol/schema.ts'
import { authorizedOperations, operationsNotAsked } from '../requests/authorized-operations.ts'
import type { BrokerState } from '../broker-state.ts'
import type { RequestContext } from '../requests/handler.ts'
import { register } from '../requests/register.ts'
import { leaderEpoch } from '../topics/leader-epoch.ts'
import { TopicError } from '../topics/topic-error.ts'
import { isInternalTopic, topicNameFault } from '../topics/topic-name.ts'
import type { Topic } from '../topics/topics.ts'

/*
 * Metadata (3), versions 0 to 12.
 *
 * - Topics by name, from version 12 also by id. Null means all; version 0 says that with an empty list.
 * - A topic that is named more than once is returned once, as by Kafka.
 * - An unknown topic is created if request and broker allow it, and is in the response. Kafka makes the client retry instead.
 * - This broker is leader, only replica and controller of everything; the leader epoch is always 0.
 */

type TopicResponse = ResponseValue<typeof metadata>['topics'][number]
type TopicQuery = NonNullable<RequestOf<typeof metadata>['topics']>[number]

type Asking = Pick<RequestContext, 'apiVersion' | 'clientHost'>

/** Serves Metadata. */
export const metadataRegistration = register(
  metadata,
  (state: BrokerState) =>
    async (request, { apiVersion, clientHost }) => {
      const { nodeId, host, port } = state.node()
      const asksForAll = request.topics === null || (apiVersion === 0 && request.topics.length === 0)
      const topics = asksForAll
        ? Array.from(state.topics.all(), (topic) => describe(topic, nodeId))
        : await findAll(state, request, { apiVersion, clientHost })
      return {
        brokers: [{ nodeId, host, port }],
        clusterId: state.topics.clusterId,
        controllerId: nodeId,
        topics: request.includeTopicAuthorizedOperations
          ? topics.map((topic) => ({ ...topic, topicAuthorizedOperations: authorizedOperations.topic }))
          : topics,
        clusterAuthorizedOperations: request.includeClusterAuthorizedOperations
          ? authorizedOperations.cluster
          : operationsNotAsked,
      }
    },
)

async function findAll(
  state: BrokerState,
  { topics, allowAutoTopicCreation }: RequestOf<typeof metadata>,
  context: Asking,
): Promise<TopicResponse[]> {
  const seen = new Set<string>()
  const responses: TopicResponse[] = []
  // A request may name 100,000 topics: only those that are created are awaited.
  const awaited: Promise<void>[] = []
  for (const query of topics ?? []) {
    const key = query.topicId === zeroUuid ? (query.name ?? '') : `${query.topicId}/${query.name ?? ''}`
    if (seen.size === seen.add(key).size) continue
    const response = find(state, query, allowAutoTopicCreation, context)
    const place = responses.length
    if (response instanceof Promise) {
      responses.push(refused(errorCodes.UNKNOWN_TOPIC_OR_PARTITION, query.name))
      awaited.push(
        response.then((made) => {
          responses[place] = made
        }),
      )
    } else responses.push(response)
  }
  await Promise.all(awaited)
  return responses
}

function find(
  state: BrokerState,
  query: TopicQuery,
  mayCreate: boolean,
  { apiVersion: version, clientHost }: Asking,
): TopicResponse | Promise<TopicResponse> {
  const { nodeId } = state.node()
  if (query.topicId !== zeroUuid) {
    const topic = state.topics.byId(query.topicId)
    if (version < 12) return refused(errorCodes.INVALID_REQUEST, query.name ?? '', query.topicId)
    return topic === undefined ? refused(errorCodes.UNKNOWN_TOPIC_ID, null, query.topicId) : describe(topic, nodeId)
  }
  const { name } = query
  if (name === null) return refused(errorCodes.INVALID_REQUEST, version < 12 ? '' : null)
  const existing = state.topics.get(name)
  if (existing !== undefined) return describe(existing, nodeId)
  if (topicNameFault(name) !== null) return refused(errorCodes.INVALID_TOPIC_EXCEPTION, name)
  if (!mayCreate || !state.config.autoCreateTopics || isInternalTopic(name)) {
    return refused(errorCodes.UNKNOWN_TOPIC_OR_PARTITION, name)
  }
  return create(state, name, clientHost)
}

async function create(state: BrokerState, name: string, client: string): Promise<TopicResponse> {
  if (state.topics.colliding(name) !== null) return refused(errorCodes.INVALID_TOPIC_EXCEPTION, name)
  try {
    return describe(await state.topics.ensure(name, state.config.defaultPartitions), state.node().nodeId)
  } catch (error) {
    if (!(error instanceof TopicError) && !(error instanceof LogError)) throw error
    const fields = { topic: name, error: `${errorName(error.errorCode)}: ${error.message}` }
    state.streaks.log('warn', { kind: 'topic creation', client }, `topic ${name} could not be created`, fields)
    return refused(error.errorCode, name)
  }
}

const noPartitions: TopicResponse['partitions'] = []

function refused(errorCode: number, name: string | null, topicId: string = zeroUuid): TopicResponse {
  return { errorCode, name, topicId, partitions: noPartitions }
}

function describe(topic: Topic, nodeId: number): TopicResponse {
  return {
    errorCode: errorCodes.NONE,
    name: topic.name,
    topicId: topic.id,
    isInternal: topic.isInternal,
    partitions: topic.partitions.map((log, partitionIndex) => {
      const place = { partitionIndex, leaderEpoch, replicaNodes: [nodeId] }
      if (log !== null) return { ...place, errorCode: errorCodes.NONE, leaderId: nodeId, isrNodes: [nodeId] }
      const { LEADER_NOT_AVAILABLE: errorCode } = errorCodes
      return { ...place, errorCode, leaderId: -1, isrNodes: [], offlineReplicas: [nodeId] }
    }),
  }
}
