import { LogError } from '../../log/log-error.ts'
import { errorCodes } from '../../protocol/error-codes.ts'
import { createTopics } from '../../protocol/messages/create-topics.ts'
import { zeroUuid, type RequestOf, type ResponseValue } from '../../protocol/schema.ts'
import type { BrokerState } from '../broker-state.ts'
import { configSources } from '../settings/config-resources.ts'
import { register } from '../requests/register.ts'
import { effectiveTopicConfigs, topicConfigFault, type TopicOverrides } from '../settings/topic-configs.ts'
import { partitionsFault } from '../requests/partitions-per-request.ts'
import { repeatedOf } from '../requests/repeated.ts'
import { TopicError } from '../topics/topic-error.ts'
import { topicNameFault } from '../topics/topic-name.ts'

/*
 * CreateTopics (19), versions 2 to 7.
 *
 * - Partition count and replication factor -1 are the broker's defaults. A factor above 1 is reduced to 1, so that settings for a
 *   cluster work, unless the broker is configured to reject it.
 * - Manual assignments may only name this broker. `validateOnly` checks and changes nothing.
 */

type TopicRequest = RequestOf<typeof createTopics>['topics'][number]
type TopicResponse = ResponseValue<typeof createTopics>['topics'][number]

/** Serves CreateTopics. */
export const createTopicsRegistration = register(createTopics, (state: BrokerState) => async (request) => {
  const repeated = repeatedOf(request.topics, ({ name }) => name)
  const tooMany = partitionsFault(request.topics.map((topic) => wantedPartitions(state, topic)))
  const topics: TopicResponse[] = []
  for (const topic of request.topics) {
    if (tooMany !== null) topics.push(refuse(topic, tooMany))
    else if (repeated.has(topic)) topics.push(refuse(topic, repetition(topic.name)))
    else topics.push(await create(state, topic, request.validateOnly))
  }
  return { topics }
})

async function create(state: BrokerState, topic: TopicRequest, validateOnly: boolean): Promise<TopicResponse> {
  try {
    const partitionCount = checkedPartitionCount(state, topic)
    const configs = checkedConfigs(topic)
    checkName(state, topic.name)
    if (validateOnly) return describe(state, topic.name, { id: zeroUuid, partitionCount, configs })
    const created = await state.topics.create(topic.name, partitionCount, configs)
    return describe(state, topic.name, { id: created.id, partitionCount, configs })
  } catch (error) {
    if (!(error instanceof TopicError) && !(error instanceof LogError)) throw error
    return refuse(topic, error)
  }
}

function checkName(state: BrokerState, name: string): void {
  const fault = topicNameFault(name)
  if (fault !== null) throw new TopicError(errorCodes.INVALID_TOPIC_EXCEPTION, fault)
  if (state.topics.get(name) !== undefined) {
    throw new TopicError(errorCodes.TOPIC_ALREADY_EXISTS, `Topic '${name}' already exists.`)
  }
  const other = state.topics.colliding(name)
  if (other !== null) {
    throw new TopicError(errorCodes.INVALID_TOPIC_EXCEPTION, `Topic '${name}' collides with existing topic: ${other}`)
  }
}

function checkedPartitionCount(state: BrokerState, topic: TopicRequest): number {
  const { numPartitions, replicationFactor, assignments } = topic
  const { defaultPartitions, maxPartitionsPerTopic } = state.config
  if (assignments.length > 0) {
    if (numPartitions !== -1 || replicationFactor !== -1) {
      throw new TopicError(
        errorCodes.INVALID_REQUEST,
        'A manual partition assignment was specified, but numPartitions or replicationFactor was not set to -1.',
      )
    }
    if (assignments.length > maxPartitionsPerTopic) throw tooManyPartitions(assignments.length, maxPartitionsPerTopic)
    checkAssignments(state.node().nodeId, assignments)
    return assignments.length
  }
  if (numPartitions === 0 || numPartitions < -1 || numPartitions > maxPartitionsPerTopic) {
    throw tooManyPartitions(numPartitions, maxPartitionsPerTopic)
  }
  const mayClamp = replicationFactor > 1 && state.config.clampReplicationFactor
  if (replicationFactor !== -1 && replicationFactor !== 1 && !mayClamp) {
    throw new TopicError(
      errorCodes.INVALID_REPLICATION_FACTOR,
      `Replication factor ${replicationFactor} is not possible: there is 1 broker.`,
    )
  }
  return numPartitions === -1 ? defaultPartitions : numPartitions
}

function tooManyPartitions(count: number, max: number): TopicError {
  return new TopicError(
    errorCodes.INVALID_PARTITIONS,
    `Number of partitions was set to an invalid value: ${count}. It is 1 to ${max}.`,
  )
}

function wantedPartitions(state: BrokerState, { numPartitions, assignments }: TopicRequest): number {
  if (assignments.length > 0) return assignments.length
  return numPartitions === -1 ? state.config.defaultPartitions : Math.max(numPartitions, 0)
}

function checkAssignments(nodeId: number, assignments: TopicRequest['assignments']): void {
  const indexes = assignments.map(({ partitionIndex }) => partitionIndex).toSorted((a, b) => a - b)
  const isComplete = indexes.every((partitionIndex, place) => partitionIndex === place)
  const isHere = assignments.every(({ brokerIds }) => brokerIds.length === 1 && brokerIds[0] === nodeId)
  if (isComplete && isHere) return
  throw new TopicError(
    errorCodes.INVALID_REPLICA_ASSIGNMENT,
    `Partitions must be numbered from 0 without gaps, each with broker ${nodeId} as its only replica.`,
  )
}

function checkedConfigs(topic: TopicRequest): TopicOverrides {
  const configs: Record<string, string> = {}
  for (const { name, value } of topic.configs) {
    const fault = topicConfigFault(name, value)
    if (fault !== null || value === null) throw new TopicError(errorCodes.INVALID_CONFIG, fault ?? name)
    configs[name] = value.trim()
  }
  return configs
}

function describe(
  state: BrokerState,
  name: string,
  made: { readonly id: string; readonly partitionCount: number; readonly configs: TopicOverrides },
): TopicResponse {
  return {
    name,
    topicId: made.id,
    errorCode: errorCodes.NONE,
    errorMessage: null,
    numPartitions: made.partitionCount,
    replicationFactor: 1,
    configs: effectiveTopicConfigs(made.configs, state.config.log).map((config) => ({
      name: config.name,
      value: config.value,
      readOnly: false,
      configSource: configSources[config.source],
      isSensitive: false,
    })),
  }
}

function repetition(name: string): TopicError {
  return new TopicError(errorCodes.INVALID_REQUEST, `Duplicate topic name: ${name}`)
}

function refuse(topic: TopicRequest, error: TopicError | LogError): TopicResponse {
  return { name: topic.name, errorCode: error.errorCode, errorMessage: error.message, configs: [] }
}
