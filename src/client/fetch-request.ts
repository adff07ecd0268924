import type { fetch as fetchApi } from '../protocol/messages/fetch.ts'
import { zeroUuid, type RequestValue } from '../protocol/schema.ts'
import { isolationCode, type IsolationLevel } from './list-offsets.ts'

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
  readonly partition: number
  readonly fetchOffset: number
}

/** A fetch without a session: the broker keeps nothing between requests. Partitions stay in the order given, per topic. */
export function fetchRequestOf(limits: FetchLimits, targets: readonly FetchTarget[]): RequestValue<typeof fetchApi> {
  const topics = new Map<string, { partition: number; fetchOffset: number; partitionMaxBytes: number }[]>()
  for (const { topic, partition, fetchOffset } of targets) {
    const target = { partition, fetchOffset, partitionMaxBytes: limits.maxPartitionBytes }
    const known = topics.get(topic)
    if (known === undefined) topics.set(topic, [target])
    else known.push(target)
  }
  return {
    maxWaitMs: limits.maxWaitMs,
    minBytes: limits.minBytes,
    maxBytes: limits.maxBytes,
    isolationLevel: isolationCode(limits.isolation),
    topics: [...topics].map(([topic, partitions]) => ({ topic, topicId: zeroUuid, partitions })),
    forgottenTopicsData: [],
    rackId: '',
  }
}
