import type { IsolationLevel } from '../protocol/isolation-level.ts'
import type { TopicPartition } from '../foundation/topic-partition.ts'
import { errorCodes } from '../protocol/error-codes.ts'
import { createTopics } from '../protocol/messages/create-topics.ts'
import { deleteGroups } from '../protocol/messages/delete-groups.ts'
import { describeConfigs } from '../protocol/messages/describe-configs.ts'
import { initProducerId } from '../protocol/messages/init-producer-id.ts'
import { offsetDelete } from '../protocol/messages/offset-delete.ts'
import type { Api, RequestValue, ResponseOf } from '../protocol/schema.ts'
import type { Cluster } from './cluster/cluster.ts'
import { BrokerError, UnknownPartitionError, UnknownTopicError } from './errors.ts'
import { atCoordinator, commitOffsets, fetchOffsets, type GroupOffset } from './group/group-offsets.ts'
import { coordinatorMoved } from './group/group-member.ts'
import { listOffsets, type OffsetResult, type OffsetQuery } from './consumer/list-offsets.ts'
import type { TopicMetadata } from './cluster/metadata-cache.ts'

/** A topic to create. */
export interface NewTopic {
  readonly name: string
  /** -1 is the broker's default. */
  readonly partitions: number
  /** -1 is the broker's default. */
  readonly replicationFactor: number
  readonly configs?: Readonly<Record<string, string>>
}

/** One setting of a topic. */
export interface TopicConfig {
  readonly value: string | null
  /** Whether it is set for this topic, rather than a default. */
  readonly isOverride: boolean
}

/** Limits of one call. */
export interface AdminOptions {
  readonly signal?: AbortSignal | undefined
  /** Milliseconds after which the last retriable error is thrown; 60 s by default. */
  readonly withinMs?: number
}

const brokerTimeoutMs = 30_000
const defaultWithinMs = 60_000
/** The identity is never used, so no transaction reaches it. */
const fencingTimeoutMs = 60_000
const resourceTypes = { topic: 2 } as const
const topicOverride = 1

/** Topics, their settings, and offsets of groups. Transient failures are retried within the time of {@link AdminOptions}. */
export class Admin {
  readonly #cluster: Cluster

  constructor(cluster: Cluster) {
    this.#cluster = cluster
  }

  /**
   * Creates a topic and waits until it is in the brokers' metadata. Returns false if it exists already.
   * @throws BrokerError if the broker rejects it.
   */
  async createTopic(topic: NewTopic, options: AdminOptions = {}): Promise<boolean> {
    const request = {
      topics: [
        {
          name: topic.name,
          numPartitions: topic.partitions,
          replicationFactor: topic.replicationFactor,
          assignments: [],
          configs: Object.entries(topic.configs ?? {}).map(([name, value]) => ({ name, value })),
        },
      ],
      timeoutMs: brokerTimeoutMs,
    }
    const isCreated = await this.#retrying(`create topic ${topic.name}`, options, async () => {
      const response = await this.#atController(createTopics, request, options)
      const result = response.topics[0]
      if (result?.errorCode === errorCodes.TOPIC_ALREADY_EXISTS) return false
      this.#check(result, `creating topic ${topic.name}`)
      return true
    })
    // Brokers learn of the topic a moment after the controller has created it.
    await this.#retrying(`find the leaders of topic ${topic.name}`, options, async () => {
      await this.#cluster.refreshMetadata([topic.name], options)
      const partitions = this.#cluster.metadata.topics.get(topic.name)?.partitions ?? []
      if (partitions.length === 0 || partitions.some(({ leaderId }) => leaderId < 0))
        throw new BrokerError(errorCodes.LEADER_NOT_AVAILABLE, `looking up topic ${topic.name}`)
    })
    return isCreated
  }

  /** Returns those of the topics that exist; creates none. @throws BrokerError for a topic without authorization. */
  async describeTopics(
    names: readonly string[],
    options: AdminOptions = {},
  ): Promise<ReadonlyMap<string, TopicMetadata>> {
    const { metadata } = this.#cluster
    await this.#retrying(`look up topics ${names.join(', ')}`, options, async () => {
      await this.#cluster.refreshMetadata(names, options)
      for (const name of names) {
        const code = metadata.topicErrors.get(name)
        if (code !== undefined && code !== errorCodes.UNKNOWN_TOPIC_OR_PARTITION)
          throw new BrokerError(code, `looking up topic ${name}`)
      }
    })
    return new Map(
      names.flatMap((name) => {
        const topic = metadata.topics.get(name)
        return topic === undefined ? [] : [[name, topic] as const]
      }),
    )
  }

  /** Returns all topics that this client may describe. */
  async listTopics(options: AdminOptions = {}): Promise<readonly TopicMetadata[]> {
    await this.#retrying('list topics', options, () => this.#cluster.refreshMetadata(null, options))
    return [...this.#cluster.metadata.topics.values()]
  }

  /** Returns all settings of a topic, including defaults. @throws UnknownTopicError, BrokerError. */
  async topicConfigs(topic: string, options: AdminOptions = {}): Promise<ReadonlyMap<string, TopicConfig>> {
    const resource = { resourceType: resourceTypes.topic, resourceName: topic, configurationKeys: null }
    return this.#retrying(`read the settings of topic ${topic}`, options, async () => {
      const response = await this.#cluster.sendToAny(describeConfigs, { resources: [resource] }, options)
      const result = response.results[0]
      if (result?.errorCode === errorCodes.UNKNOWN_TOPIC_OR_PARTITION) throw new UnknownTopicError(topic)
      this.#check(result, `reading the settings of topic ${topic}`)
      return new Map(
        (result?.configs ?? []).map(({ name, value, configSource }) => [
          name,
          { value, isOverride: configSource === topicOverride },
        ]),
      )
    })
  }

  /** Returns offsets by time; `offsetTimes` has the values for both ends. @throws BrokerError, UnknownPartitionError. */
  async listOffsets(
    queries: readonly OffsetQuery[],
    options: AdminOptions & { readonly isolation?: IsolationLevel } = {},
  ): Promise<readonly OffsetResult[]> {
    const { isolation = 'read_uncommitted', signal } = options
    return this.#retrying('list offsets', options, () => listOffsets(this.#cluster, queries, { isolation, signal }))
  }

  /** Returns the committed offsets of a group. */
  async groupOffsets(groupId: string, options: AdminOptions = {}): Promise<readonly GroupOffset[]> {
    return fetchOffsets(this.#cluster, groupId, null, options.signal)
  }

  /**
   * Sets offsets of a group without members. The broker reports a partition that does not exist as one that it does not know
   * yet, so it is looked up first.
   * @throws FencedMemberError if it has members, UnknownTopicError, UnknownPartitionError, BrokerError.
   */
  async alterGroupOffsets(groupId: string, offsets: readonly GroupOffset[], options: AdminOptions = {}): Promise<void> {
    const topics = await this.describeTopics([...new Set(offsets.map(({ topic }) => topic))], options)
    for (const { topic, partition } of offsets) {
      const count = topics.get(topic)?.partitions.length
      if (count === undefined) throw new UnknownTopicError(topic)
      if (partition < 0 || partition >= count) throw new UnknownPartitionError(topic, partition, count)
    }
    await commitOffsets(this.#cluster, { groupId, member: null }, offsets, { signal: options.signal })
  }

  /** Deletes offsets of a group that no longer reads these topics. @throws BrokerError. */
  async deleteGroupOffsets(
    groupId: string,
    partitions: readonly TopicPartition[],
    options: AdminOptions = {},
  ): Promise<void> {
    const names = [...new Set(partitions.map(({ topic }) => topic))]
    const topics = names.map((name) => ({
      name,
      partitions: partitions.filter(({ topic }) => topic === name).map((p) => ({ partitionIndex: p.partition })),
    }))
    await this.#ofGroup(groupId, `delete offsets of group ${groupId}`, options, async (nodeId) => {
      const response = await this.#cluster.sendTo(nodeId, offsetDelete, { groupId, topics }, options)
      this.#check(response, `deleting offsets of group ${groupId}`)
      for (const topic of response.topics)
        for (const partition of topic.partitions)
          this.#check(partition, `deleting the offset of ${topic.name}-${partition.partitionIndex} of group ${groupId}`)
    })
  }

  /** Deletes a group without members. Returns false if it does not exist. @throws BrokerError NON_EMPTY_GROUP. */
  async deleteGroup(groupId: string, options: AdminOptions = {}): Promise<boolean> {
    return this.#ofGroup(groupId, `delete group ${groupId}`, options, async (nodeId) => {
      const response = await this.#cluster.sendTo(nodeId, deleteGroups, { groupsNames: [groupId] }, options)
      const result = response.results[0]
      if (result?.errorCode === errorCodes.GROUP_ID_NOT_FOUND) return false
      this.#check(result, `deleting group ${groupId}`)
      return true
    })
  }

  /** Fences the producers that use a transactional id: their open transaction is aborted. @throws BrokerError. */
  async fenceProducer(transactionalId: string, options: AdminOptions = {}): Promise<void> {
    const { signal } = options
    const what = `fence the producers of transactional id ${transactionalId}`
    await this.#retrying(what, options, async () => {
      const nodeId = await this.#cluster.transactionCoordinatorOf(transactionalId, signal)
      const request = { transactionalId, transactionTimeoutMs: fencingTimeoutMs }
      this.#check(await this.#cluster.sendTo(nodeId, initProducerId, request, { signal }), what)
    })
  }

  async #atController<A extends Api>(api: A, request: RequestValue<A>, options: AdminOptions): Promise<ResponseOf<A>> {
    const { metadata } = this.#cluster
    if (!metadata.brokers.has(metadata.controllerId)) await this.#cluster.refreshMetadata([], options)
    const { controllerId } = metadata
    if (!metadata.brokers.has(controllerId))
      throw new BrokerError(errorCodes.NOT_CONTROLLER, `${api.name}: the cluster has no controller`)
    const timeoutMs = brokerTimeoutMs + 5_000
    return this.#cluster.sendTo(controllerId, api, request, { signal: options.signal, timeoutMs })
  }

  async #ofGroup<T>(
    groupId: string,
    what: string,
    options: AdminOptions,
    action: (nodeId: number) => Promise<T>,
  ): Promise<T> {
    return this.#retrying(what, options, async () => {
      try {
        return await atCoordinator(this.#cluster, groupId, options.signal, action)
      } catch (error) {
        if (error instanceof BrokerError && coordinatorMoved.has(error.code)) this.#cluster.forgetCoordinator(groupId)
        throw error
      }
    })
  }

  async #retrying<T>(what: string, options: AdminOptions, action: () => Promise<T>): Promise<T> {
    const { signal, withinMs = defaultWithinMs } = options
    return this.#cluster.retrying(what, { signal, withinMs }, action)
  }

  /** @throws BrokerError if the result is missing or has an error code. */
  #check(
    result: { readonly errorCode: number; readonly errorMessage?: string | null } | undefined,
    what: string,
  ): void {
    const code = result?.errorCode ?? errorCodes.UNKNOWN_SERVER_ERROR
    if (code === errorCodes.NOT_CONTROLLER) this.#cluster.metadata.controllerId = -1
    if (code !== errorCodes.NONE) throw new BrokerError(code, what, result?.errorMessage)
  }
}
