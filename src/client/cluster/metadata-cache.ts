import { errorCodes } from '../../protocol/error-codes.ts'
import type { metadata } from '../../protocol/messages/metadata.ts'
import { zeroUuid, type ResponseOf } from '../../protocol/schema.ts'
import type { BrokerAddress } from '../connection/bootstrap-servers.ts'

/** A partition as metadata tells of it. `leaderId` is -1 while there is none. */
export interface PartitionMetadata {
  readonly partition: number
  readonly leaderId: number
  readonly replicas: readonly number[]
}

/** A topic that exists. Its partitions are in order. */
export interface TopicMetadata {
  readonly name: string
  /** Tells a topic from an earlier one of its name; null where the cluster has no topic ids. */
  readonly id: string | null
  readonly isInternal: boolean
  readonly partitions: readonly PartitionMetadata[]
}

/** What the last answers said of brokers and topics. A topic that one answer has no word on keeps what an earlier one said. */
export class MetadataCache {
  readonly brokers = new Map<number, BrokerAddress>()
  readonly topics = new Map<string, TopicMetadata>()
  /** Why a topic that was asked for is not there. */
  readonly topicErrors = new Map<string, number>()
  controllerId = -1
  clusterId: string | null = null

  readonly #only: BrokerAddress | null

  /** @param only where every broker is reached, whatever address it tells; null: where it tells. */
  constructor(only: BrokerAddress | null = null) {
    this.#only = only
  }

  /** Takes an answer. `complete` says that it was asked for all topics: what it does not name is gone. */
  update(answer: ResponseOf<typeof metadata>, complete: boolean): void {
    this.brokers.clear()
    for (const { nodeId, host, port } of answer.brokers) this.brokers.set(nodeId, this.#only ?? { host, port })
    this.controllerId = answer.controllerId
    this.clusterId = answer.clusterId
    if (complete) {
      this.topics.clear()
      this.topicErrors.clear()
    }
    for (const topic of answer.topics) this.#updateTopic(topic)
  }

  /** The node that leads a partition; null while it is not known. */
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
