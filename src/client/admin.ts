import type { IsolationLevel } from '../protocol/isolation-level.ts'
import type { TopicPartition } from '../foundation/topic-partition.ts'
import { errorCodes } from '../protocol/error-codes.ts'
import { createPartitions } from '../protocol/messages/create-partitions.ts'
import { createTopics } from '../protocol/messages/create-topics.ts'
import { deleteGroups } from '../protocol/messages/delete-groups.ts'
import { deleteRecords } from '../protocol/messages/delete-records.ts'
import { deleteTopics } from '../protocol/messages/delete-topics.ts'
import { describeConfigs } from '../protocol/messages/describe-configs.ts'
import { describeGroups } from '../protocol/messages/describe-groups.ts'
import { incrementalAlterConfigs } from '../protocol/messages/incremental-alter-configs.ts'
import { leaveGroup } from '../protocol/messages/leave-group.ts'
import { listGroups } from '../protocol/messages/list-groups.ts'
import { offsetDelete } from '../protocol/messages/offset-delete.ts'
import type { Api, RequestValue, ResponseOf } from '../protocol/schema.ts'
import { zeroUuid } from '../protocol/schema.ts'
import type { Cluster } from './cluster/cluster.ts'
import { BrokerError, UnknownTopicError } from './errors.ts'
import { atCoordinator, commitOffsets, fetchOffsets, type GroupOffset } from './group/group-offsets.ts'
import { coordinatorMoved } from './group/group-member.ts'
import { listOffsets, type OffsetAnswer, type OffsetQuery } from './consumer/list-offsets.ts'
import type { TopicMetadata } from './cluster/metadata-cache.ts'

/** A topic to be made. */
export interface NewTopic {
  readonly name: string
  /** -1: the broker's default. */
  readonly partitions: number
  /** -1: the broker's default. */
  readonly replicationFactor: number
  readonly configs?: Readonly<Record<string, string>>
}

/** One setting of a topic. */
export interface TopicConfig {
  readonly value: string | null
  /** Whether it was set for this topic, rather than being a default. */
  readonly isOverride: boolean
}

/** A group and who is in it. */
export interface GroupDescription {
  readonly groupId: string
  /** Kafka's name of the state; `Dead` when there is no such group. */
  readonly state: string
  readonly protocolType: string
  readonly members: readonly {
    readonly memberId: string
    readonly clientId: string
    readonly clientHost: string
    readonly metadata: Buffer
    readonly assignment: Buffer
  }[]
}

/** How long one call may take; for ever when left out. */
export interface AdminOptions {
  readonly signal?: AbortSignal | undefined
  /** Milliseconds after which the last retriable failure is thrown; 60 s unless told otherwise. */
  readonly withinMs?: number
}

const brokerTimeoutMs = 30_000
const defaultWithinMs = 60_000
const resourceTypes = { topic: 2 } as const
const configOperations = { set: 0, delete: 1 } as const
const topicOverride = 1

/** Topics, settings, offsets and groups. Failures that may pass are tried again within the time of {@link AdminOptions}. */
export class Admin {
  readonly #cluster: Cluster

  constructor(cluster: Cluster) {
    this.#cluster = cluster
  }

  /**
   * Makes a topic and waits until brokers tell of it; false when it exists already.
   * @throws BrokerError as the broker refuses it.
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
    const isMade = await this.#retrying(`create topic ${topic.name}`, options, async () => {
      const answer = await this.#atController(createTopics, request, options)
      const result = answer.topics[0]
      if (result?.errorCode === errorCodes.TOPIC_ALREADY_EXISTS) return false
      this.#check(result, `creating topic ${topic.name}`)
      return true
    })
    // The controller has made it; the brokers hear of it a moment later.
    await this.#retrying(`find the leaders of topic ${topic.name}`, options, async () => {
      await this.#cluster.refreshMetadata([topic.name], options)
      const partitions = this.#cluster.metadata.topics.get(topic.name)?.partitions ?? []
      if (partitions.length === 0 || partitions.some(({ leaderId }) => leaderId < 0))
        throw new BrokerError(errorCodes.LEADER_NOT_AVAILABLE, `looking up topic ${topic.name}`)
    })
    return isMade
  }

  /** Deletes a topic; false when there is none. @throws BrokerError as the broker refuses it. */
  async deleteTopic(name: string, options: AdminOptions = {}): Promise<boolean> {
    const request = { topics: [{ name, topicId: zeroUuid }], topicNames: [name], timeoutMs: brokerTimeoutMs }
    const isGone = await this.#retrying(`delete topic ${name}`, options, async () => {
      const answer = await this.#atController(deleteTopics, request, options)
      const result = answer.responses[0]
      if (result?.errorCode === errorCodes.UNKNOWN_TOPIC_OR_PARTITION) return false
      this.#check(result, `deleting topic ${name}`)
      return true
    })
    this.#cluster.metadata.topics.delete(name)
    return isGone
  }

  /** Raises the number of partitions of a topic to `count`. @throws BrokerError as the broker refuses it. */
  async createPartitions(topic: string, count: number, options: AdminOptions = {}): Promise<void> {
    const request = {
      topics: [{ name: topic, count, assignments: null }],
      timeoutMs: brokerTimeoutMs,
      validateOnly: false,
    }
    await this.#retrying(`add partitions to topic ${topic}`, options, async () => {
      const answer = await this.#atController(createPartitions, request, options)
      this.#check(answer.results[0], `adding partitions to topic ${topic}`)
    })
  }

  /** All topics, internal ones included, by name. */
  async listTopics(options: AdminOptions = {}): Promise<ReadonlyMap<string, TopicMetadata>> {
    await this.#retrying('list the topics', options, () => this.#cluster.refreshMetadata(null, options))
    return new Map(this.#cluster.metadata.topics)
  }

  /** The topics that exist of those named; makes none. @throws BrokerError for one that may not be looked at. */
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

  /** All settings of a topic, defaults included. @throws UnknownTopicError, BrokerError. */
  async topicConfigs(topic: string, options: AdminOptions = {}): Promise<ReadonlyMap<string, TopicConfig>> {
    const resource = { resourceType: resourceTypes.topic, resourceName: topic, configurationKeys: null }
    return this.#retrying(`read the settings of topic ${topic}`, options, async () => {
      const answer = await this.#cluster.sendToAny(describeConfigs, { resources: [resource] }, options)
      const result = answer.results[0]
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

  /** Sets settings of a topic, or takes them back (null); leaves the others alone. @throws BrokerError. */
  async alterTopicConfigs(
    topic: string,
    changes: Readonly<Record<string, string | null>>,
    options: AdminOptions = {},
  ): Promise<void> {
    const configs = Object.entries(changes).map(([name, value]) => ({
      name,
      configOperation: value === null ? configOperations.delete : configOperations.set,
      value,
    }))
    const resources = [{ resourceType: resourceTypes.topic, resourceName: topic, configs }]
    await this.#retrying(`change the settings of topic ${topic}`, options, async () => {
      const answer = await this.#atController(incrementalAlterConfigs, { resources, validateOnly: false }, options)
      this.#check(answer.responses[0], `changing the settings of topic ${topic}`)
    })
  }

  /** Removes the records before an offset; -1 means all. @throws BrokerError. */
  async deleteRecords(partition: TopicPartition, beforeOffset: number, options: AdminOptions = {}): Promise<void> {
    const { topic, partition: number } = partition
    const partitions = [{ partitionIndex: number, offset: beforeOffset }]
    await this.#retrying(`delete records of topic ${topic}`, options, async () => {
      await this.#cluster.refreshMetadata([topic], options)
      const leader = this.#cluster.metadata.leaderOf(topic, number)
      if (leader === null) throw new BrokerError(errorCodes.LEADER_NOT_AVAILABLE, `deleting records of topic ${topic}`)
      const request = { topics: [{ name: topic, partitions }], timeoutMs: brokerTimeoutMs }
      const answer = await this.#cluster.sendTo(leader, deleteRecords, request, options)
      this.#check(answer.topics[0]?.partitions[0], `deleting records of topic ${topic}`)
    })
  }

  /** Offsets by time; see `offsetTimes` for the ends of a log. @throws BrokerError, UnknownPartitionError. */
  async listOffsets(
    queries: readonly OffsetQuery[],
    options: AdminOptions & { readonly isolation?: IsolationLevel } = {},
  ): Promise<readonly OffsetAnswer[]> {
    const { isolation = 'read_uncommitted', signal } = options
    return this.#retrying('list offsets', options, () => listOffsets(this.#cluster, queries, { isolation, signal }))
  }

  /** The committed offsets of a group. */
  async groupOffsets(groupId: string, options: AdminOptions = {}): Promise<readonly GroupOffset[]> {
    return fetchOffsets(this.#cluster, groupId, null, options.signal)
  }

  /** Sets offsets of a group that has no members. @throws FencedMemberError when it has some, BrokerError. */
  async alterGroupOffsets(groupId: string, offsets: readonly GroupOffset[], options: AdminOptions = {}): Promise<void> {
    await commitOffsets(this.#cluster, groupId, null, offsets, { signal: options.signal })
  }

  /** Forgets offsets of a group that does not read these topics any more. @throws BrokerError. */
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
      const answer = await this.#cluster.sendTo(nodeId, offsetDelete, { groupId, topics }, options)
      this.#check(answer, `deleting offsets of group ${groupId}`)
      for (const topic of answer.topics)
        for (const partition of topic.partitions)
          this.#check(partition, `deleting the offset of ${topic.name}-${partition.partitionIndex} of group ${groupId}`)
    })
  }

  /** Deletes a group that has no members; false when there is none. @throws BrokerError NON_EMPTY_GROUP. */
  async deleteGroup(groupId: string, options: AdminOptions = {}): Promise<boolean> {
    return this.#ofGroup(groupId, `delete group ${groupId}`, options, async (nodeId) => {
      const answer = await this.#cluster.sendTo(nodeId, deleteGroups, { groupsNames: [groupId] }, options)
      const result = answer.results[0]
      if (result?.errorCode === errorCodes.GROUP_ID_NOT_FOUND) return false
      this.#check(result, `deleting group ${groupId}`)
      return true
    })
  }

  /** Puts members out of a group, as the end of their sessions would. @throws BrokerError. */
  async removeMembers(groupId: string, memberIds: readonly string[], options: AdminOptions = {}): Promise<void> {
    const members = memberIds.map((memberId) => ({ memberId, reason: 'removed by an administrator' }))
    await this.#ofGroup(groupId, `remove members of group ${groupId}`, options, async (nodeId) => {
      const answer = await this.#cluster.sendTo(nodeId, leaveGroup, { groupId, memberId: '', members }, options)
      this.#check(answer, `removing members of group ${groupId}`)
    })
  }

  /** A group, its state and members. @throws BrokerError. */
  async describeGroup(groupId: string, options: AdminOptions = {}): Promise<GroupDescription> {
    return this.#ofGroup(groupId, `describe group ${groupId}`, options, async (nodeId) => {
      const request = { groups: [groupId], includeAuthorizedOperations: false }
      const answer = await this.#cluster.sendTo(nodeId, describeGroups, request, { ...options, maxVersion: 4 })
      const group = answer.groups[0]
      this.#check(group, `describing group ${groupId}`)
      const members = (group?.members ?? []).map(
        ({ memberId, clientId, clientHost, memberMetadata, memberAssignment }) => ({
          memberId,
          clientId,
          clientHost,
          metadata: memberMetadata,
          assignment: memberAssignment,
        }),
      )
      return { groupId, state: group?.groupState ?? 'Dead', protocolType: group?.protocolType ?? '', members }
    })
  }

  /** The ids of all groups, with their protocol types. */
  async listGroups(options: AdminOptions = {}): Promise<ReadonlyMap<string, string>> {
    return this.#retrying('list the groups', options, async () => {
      await this.#cluster.refreshMetadata([], options)
      const nodes = [...this.#cluster.metadata.brokers.keys()]
      const request = { statesFilter: [], typesFilter: [] }
      const answers = await Promise.all(
        nodes.map((nodeId) => this.#cluster.sendTo(nodeId, listGroups, request, options)),
      )
      for (const answer of answers) this.#check(answer, 'listing the groups')
      return new Map(
        answers.flatMap(({ groups }) => groups.map(({ groupId, protocolType }) => [groupId, protocolType])),
      )
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

  /** @throws BrokerError unless the result is there and says that all is well. */
  #check(
    result: { readonly errorCode: number; readonly errorMessage?: string | null } | undefined,
    what: string,
  ): void {
    const code = result?.errorCode ?? errorCodes.UNKNOWN_SERVER_ERROR
    if (code === errorCodes.NOT_CONTROLLER) this.#cluster.metadata.controllerId = -1
    if (code !== errorCodes.NONE) throw new BrokerError(code, what, result?.errorMessage)
  }
}
