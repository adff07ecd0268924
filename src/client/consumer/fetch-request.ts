import { type IsolationLevel, isolationCode } from '../../protocol/isolation-level.ts'
import { errorCodes } from '../../protocol/error-codes.ts'
import { fetch as fetchApi } from '../../protocol/messages/fetch.ts'
import { zeroUuid, type RequestValue } from '../../protocol/schema.ts'

/** Limits of one fetch. */
export interface FetchLimits {
  readonly isolation: IsolationLevel
  readonly maxWaitMs: number
  readonly minBytes: number
  readonly maxBytes: number
  readonly maxPartitionBytes: number
}

/** A partition and where to read it. */
export interface FetchTarget {
  readonly topic: string
  /** Null where the cluster has no topic ids: then the request has to go by name. */
  readonly topicId: string | null
  readonly partition: number
  readonly fetchOffset: number
}

interface AskedTopic {
  readonly topic: string
  readonly topicId: string
  readonly partitions: { partition: number; fetchOffset: number; partitionMaxBytes: number }[]
}

/** From version 13 on topics go by id. */
const lastVersionByName = 12

/** The highest version that can ask for these partitions: by id if all ids are known. */
export function fetchVersionOf(targets: readonly FetchTarget[]): number {
  return targets.some(({ topicId }) => topicId === null) ? lastVersionByName : fetchApi.versions[1]
}

/**
 * A fetch without a session: the broker keeps nothing between requests. Partitions stay in the order given, per topic.
 * It names topics and ids: the version decides which of them are sent.
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

/** What brokers answer to an id that they do not have, or not any more. */
export const namesAnotherTopic: ReadonlySet<number> = new Set([
  errorCodes.UNKNOWN_TOPIC_ID,
  errorCodes.INCONSISTENT_TOPIC_ID,
  errorCodes.UNKNOWN_TOPIC_OR_PARTITION,
])
