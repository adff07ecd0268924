import { type IsolationLevel, isolationCode } from '../../protocol/isolation-level.ts'
import { errorCodes } from '../../protocol/error-codes.ts'
import { fetch as fetchApi } from '../../protocol/messages/fetch.ts'
import { zeroUuid, type RequestValue } from '../../protocol/schema.ts'

/** The limits of a fetch. */
export interface FetchLimits {
  readonly isolation: IsolationLevel
  readonly maxWaitMs: number
  readonly minBytes: number
  readonly maxBytes: number
  readonly maxPartitionBytes: number
}

/** A partition and the offset to read. */
export interface FetchTarget {
  readonly topic: string
  /** Null if the cluster has no topic ids: topics are then requested by name. */
  readonly topicId: string | null
  readonly partition: number
  readonly fetchOffset: number
}

interface AskedTopic {
  readonly topic: string
  readonly topicId: string
  readonly partitions: { partition: number; fetchOffset: number; partitionMaxBytes: number }[]
}

/** From version 13 on, topics are requested by id ([KIP-516](https://cwiki.apache.org/confluence/display/KAFKA/KIP-516%3A+Topic+Identifiers)). */
const lastVersionByName = 12

/** Returns the highest version that can request these partitions: by id if all ids are known. */
export function fetchVersionOf(targets: readonly FetchTarget[]): number {
  return targets.some(({ topicId }) => topicId === null) ? lastVersionByName : fetchApi.versions[1]
}

/**
 * Returns a fetch request without a session. Partitions keep their order within each topic. It contains names and ids of
 * topics; the version decides which of them are sent.
 */
export function fetchRequestOf(limits: FetchLimits, targets: readonly FetchTarget[]): RequestValue<typeof fetchApi> {
  const topics = new Map<string, AskedTopic>()
  for (const { topic, topicId, partition, fetchOffset } of targets) {
    const target = { partition, fetchOffset, partitionMaxBytes: limits.maxPartitionBytes }
    const known = topics.get(topic)
    if (known === undefined) topics.set(topic, { topic, topicId: topicId ?? zeroUuid, partitions: [target] })
    else known.partitions.push(target)
  }
  return {
    maxWaitMs: limits.maxWaitMs,
    minBytes: limits.minBytes,
    maxBytes: limits.maxBytes,
    isolationLevel: isolationCode(limits.isolation),
    topics: [...topics.values()],
    forgottenTopicsData: [],
    rackId: '',
  }
}

/** The error codes for an unknown topic id. */
export const namesAnotherTopic: ReadonlySet<number> = new Set([
  errorCodes.UNKNOWN_TOPIC_ID,
  errorCodes.INCONSISTENT_TOPIC_ID,
  errorCodes.UNKNOWN_TOPIC_OR_PARTITION,
])
