import type { IsolationLevel } from '../../protocol/isolation-level.ts'
import type { TopicPartition } from '../../foundation/topic-partition.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { listOffsets, offsetTimes, type OffsetQuery } from './list-offsets.ts'

/** Where to continue when the position cannot be used: at the start or at the end of the log. */
export type ResetPolicy = 'earliest' | 'latest'

/** The offsets of a partition's log: where it starts, and its high watermark. */
export interface LogRange {
  readonly logStartOffset: number
  readonly logEndOffset: number
}

/** The log of a partition whose next offset is not in it, and the offset at which the policy continues. */
export interface OutOfRange extends LogRange {
  readonly to: number
}

/**
 * Requests the range of a partition's log from its leader; null if the offset is in it, because the broker that refused the
 * offset is no longer the leader. @throws BrokerError, ConnectionError.
 */
export async function rangeWithout(
  cluster: Cluster,
  { offset, ...partition }: TopicPartition & { readonly offset: number },
  signal: AbortSignal,
): Promise<LogRange | null> {
  const options = { isolation: 'read_uncommitted', signal } as const
  const logStartOffset = await offsetAt(cluster, { ...partition, timestamp: offsetTimes.earliest }, options)
  const logEndOffset = await offsetAt(cluster, { ...partition, timestamp: offsetTimes.latest }, options)
  return offset >= logStartOffset && offset <= logEndOffset ? null : { logStartOffset, logEndOffset }
}

/** Returns where the policy continues. The end is the last stable offset for `read_committed`. @throws BrokerError, ConnectionError. */
export async function resetTarget(
  cluster: Cluster,
  partition: TopicPartition & Pick<LogRange, 'logStartOffset'>,
  options: { readonly policy: ResetPolicy; readonly isolation: IsolationLevel; readonly signal: AbortSignal },
): Promise<number> {
  const { logStartOffset, ...at } = partition
  if (options.policy === 'earliest') return logStartOffset
  return Math.max(logStartOffset, await offsetAt(cluster, { ...at, timestamp: offsetTimes.latest }, options))
}

async function offsetAt(
  cluster: Cluster,
  query: OffsetQuery,
  { isolation, signal }: { readonly isolation: IsolationLevel; readonly signal: AbortSignal },
): Promise<number> {
  const [result] = await listOffsets(cluster, [query], { isolation, signal })
  return result?.offset ?? -1
}
