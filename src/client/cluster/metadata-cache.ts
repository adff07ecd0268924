import { errorCodes } from '../../protocol/error-codes.ts'
import type { metadata } from '../../protocol/messages/metadata.ts'
import { zeroUuid, type ResponseOf } from '../../protocol/schema.ts'
import type { BrokerAddress } from '../connection/bootstrap-servers.ts'

/** The metadata of a partition. `leaderId` is -1 while there is no leader. */
export interface PartitionMetadata {
  readonly partition: number
  readonly leaderId: number
  readonly replicas: readonly number[]
}

/** The metadata of a topic. Its partitions are in order. */
export interface TopicMetadata {
  readonly name: string
  /** Distinguishes a topic from an earlier one with the same name; null if the cluster has no topic ids. */
  readonly id: string | null
  readonly isInternal: boolean
  readonly partitions: readonly PartitionMetadata[]
}

/** The brokers and topics in the last metadata responses. A response about some topics does not change the others. */
export class MetadataCache {
  readonly brokers = new Map<number, BrokerAddress>()
  readonly topics = new Map<string, TopicMetadata>()
  /** The error codes of topics that were requested and are not available. */
  readonly topicErrors = new Map<string, number>()
  controllerId = -1
  clusterId: string | null = null

  readonly #only: BrokerAddress | null

  /** @param only the address of every broker, instead of those in the metadata; null uses the metadata. */
  constructor(only: BrokerAddress | null = null) {
    this.#only = only
  }

  /** Applies a response. @param complete whether all topics were requested, so that other topics do not exist. */
  update(response: ResponseOf<typeof metadata>, complete: boolean): void {
    this.brokers.clear()
    for (const { nodeId, host, port } of response.brokers) this.brokers.set(nodeId, this.#only ?? { host, port })
    this.controllerId = response.controllerId
    this.clusterId = response.clusterId
    if (complete) {
      this.topics.clear()
      this.topicErrors.clear()
    }
    for (const topic of response.topics) this.#updateTopic(topic)
  }

  /** Returns the node that leads a partition; null while it is unknown. */
  leaderOf(topic: string, partition: number): number | null {
    const leaderId = this.topics.get(topic)?.partitions[partition]?.leaderId ?? -1
    return this.brokers.has(leaderId) ? leaderId : null
  }

  #updateTopic(topic: ResponseOf<typeof metadata>['topics'][number]): void {
    const { name, errorCode } = topic
    if (name === null) return
    if (errorCode !== errorCodes.NONE) {
      this.topicErrors.set(name, errorCode)
      if (errorCode === errorCodes.UNKNOWN_TOPIC_OR_PARTITION) this.topics.delete(name)
      return
    }
    this.topicErrors.delete(name)
    const partitions = topic.partitions
      .map(({ partitionIndex, leaderId, replicaNodes }) => ({
        partition: partitionIndex,
        leaderId,
        replicas: replicaNodes,
      }))
      .toSorted((a, b) => a.partition - b.partition)
    const id = topic.topicId === zeroUuid ? null : topic.topicId
    this.topics.set(name, { name, id, isInternal: topic.isInternal, partitions })
  }
}
