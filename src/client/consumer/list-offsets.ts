import { type IsolationLevel, isolationCode } from '../../protocol/isolation-level.ts'
import type { TopicPartition } from '../../foundation/topic-partition.ts'
import { errorCodes } from '../../protocol/error-codes.ts'
import { listOffsets as listOffsetsApi } from '../../protocol/messages/list-offsets.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { BrokerError, ConnectionError, UnknownPartitionError } from '../errors.ts'

/** Special timestamps: the end of a log (the last stable offset for `read_committed`), and its start. */
export const offsetTimes = { latest: -1, earliest: -2 } as const

/** A partition and the time whose first offset is requested: milliseconds since the epoch, or one of {@link offsetTimes}. */
export interface OffsetQuery extends TopicPartition {
  readonly timestamp: number
}

/** The result. `offset` and `timestamp` are -1 if there is no record at or after that time. */
export interface OffsetResult extends TopicPartition {
  readonly offset: number
  readonly timestamp: number
}

/**
 * Requests offsets by time from the leaders. One attempt, all or nothing.
 * @throws BrokerError, ConnectionError, after refreshing the metadata.
 */
export async function listOffsets(
  cluster: Cluster,
  queries: readonly OffsetQuery[],
  options: { readonly isolation: IsolationLevel; readonly signal?: AbortSignal | undefined },
): Promise<OffsetResult[]> {
  const topics = [...new Set(queries.map(({ topic }) => topic))]
  const unknown = topics.filter((topic) => !cluster.metadata.topics.has(topic))
  if (unknown.length > 0) await cluster.refreshMetadata(unknown, { signal: options.signal })
  try {
    const results = await Promise.all(
      [...groupByLeader(cluster, queries)].map(([nodeId, ofNode]) => askNode(cluster, nodeId, ofNode, options)),
    )
    return results.flat()
  } catch (error) {
    if (error instanceof BrokerError || error instanceof ConnectionError)
      await cluster.refreshMetadata(topics, { signal: options.signal })
    throw error
  }
}

function groupByLeader(cluster: Cluster, queries: readonly OffsetQuery[]): Map<number, OffsetQuery[]> {
  const byNode = new Map<number, OffsetQuery[]>()
  for (const query of queries) {
    const { topic, partition } = query
    const known = cluster.metadata.topics.get(topic)
    if (known === undefined) throw new BrokerError(errorCodes.UNKNOWN_TOPIC_OR_PARTITION, `listing offsets of ${topic}`)
    if (partition >= known.partitions.length) throw new UnknownPartitionError(topic, partition, known.partitions.length)
    const leader = cluster.metadata.leaderOf(topic, partition)
    if (leader === null)
      throw new BrokerError(errorCodes.LEADER_NOT_AVAILABLE, `listing offsets of ${topic}-${partition}`)
    byNode.set(leader, [...(byNode.get(leader) ?? []), query])
  }
  return byNode
}

async function askNode(
  cluster: Cluster,
  nodeId: number,
  queries: readonly OffsetQuery[],
  options: { readonly isolation: IsolationLevel; readonly signal?: AbortSignal | undefined },
): Promise<OffsetResult[]> {
  const topics = new Map<string, { partitionIndex: number; timestamp: number }[]>()
  for (const { topic, partition, timestamp } of queries) {
    const partitions = topics.get(topic) ?? []
    partitions.push({ partitionIndex: partition, timestamp })
    topics.set(topic, partitions)
  }
  const response = await cluster.sendTo(
    nodeId,
    listOffsetsApi,
    {
      replicaId: -1,
      isolationLevel: isolationCode(options.isolation),
      topics: [...topics].map(([name, partitions]) => ({ name, partitions })),
      timeoutMs: 30_000,
    },
    { signal: options.signal },
  )
  return response.topics.flatMap(({ name, partitions }) =>
    partitions.map(({ partitionIndex, errorCode, offset, timestamp }) => {
      if (errorCode !== errorCodes.NONE)
        throw new BrokerError(errorCode, `listing offsets of ${name}-${partitionIndex}`)
      return { topic: name, partition: partitionIndex, offset, timestamp }
    }),
  )
}
