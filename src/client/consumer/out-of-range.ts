import type { IsolationLevel } from '../../protocol/isolation-level.ts'
import type { TopicPartition } from '../../foundation/topic-partition.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { listOffsets, offsetTimes } from './list-offsets.ts'

/** Where to continue when the position cannot be used: at the start or at the end of the log. */
export type ResetPolicy = 'earliest' | 'latest'

/** The log of a partition whose next offset is not in it. All are offsets. */
export interface OutOfRange {
  readonly logStartOffset: number
  /** The high watermark. */
  readonly logEndOffset: number
  /** Where consumers that start at the end begin: the last stable offset for `read_committed`. */
  readonly latest: number
}

/**
 * Requests the range of a partition's log from its leader; null if the offset is in it, because the broker that refused the
 * offset is no longer the leader. @throws BrokerError, ConnectionError.
 */
export async function outOfRange(
  cluster: Cluster,
  { topic, partition, offset }: TopicPartition & { readonly offset: number },
  options: { readonly isolation: IsolationLevel; readonly signal: AbortSignal },
): Promise<OutOfRange | null> {
  const { isolation, signal } = options
  const ask = async (timestamp: number, level: IsolationLevel): Promise<number> => {
    const [result] = await listOffsets(cluster, [{ topic, partition, timestamp }], { isolation: level, signal })
    return result?.offset ?? -1
  }
  const logStartOffset = await ask(offsetTimes.earliest, 'read_uncommitted')
  const logEndOffset = await ask(offsetTimes.latest, 'read_uncommitted')
  if (offset >= logStartOffset && offset <= logEndOffset) return null
  const latest = Math.max(logStartOffset, await ask(offsetTimes.latest, isolation))
  return { logStartOffset, logEndOffset, latest }
}
