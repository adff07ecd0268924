import { formatTopicPartition } from '../../foundation/topic-partition.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { GroupOffset } from './group-offsets.ts'

/** The beginning of the metadata of a committed offset; the id of its topic follows. */
const topicIdMark = 'penstock-topic-id='

/** Returns the offsets with the ids of their topics in those that have no metadata. */
export function withTopicIds(
  offsets: readonly GroupOffset[],
  ids: ReadonlyMap<string, string | null>,
): readonly GroupOffset[] {
  return offsets.map((offset) => {
    const id = ids.get(offset.topic) ?? null
    return offset.metadata !== undefined || id === null ? offset : { ...offset, metadata: `${topicIdMark}${id}` }
  })
}

/** Returns the offsets without those that were committed for an earlier topic with the same name. */
export async function withoutForeignOffsets(
  cluster: Cluster,
  committed: readonly GroupOffset[],
  signal: AbortSignal,
): Promise<readonly GroupOffset[]> {
  const isForeign = (offset: GroupOffset): boolean => {
    const id = cluster.metadata.topics.get(offset.topic)?.id ?? null
    return id !== null && offset.metadata?.startsWith(topicIdMark) === true && offset.metadata !== topicIdMark + id
  }
  const suspects = committed.filter((offset) => isForeign(offset))
  if (suspects.length === 0) return committed
  // The metadata may be older than the offset.
  await cluster.refreshMetadata([...new Set(suspects.map(({ topic }) => topic))], { signal })
  for (const offset of suspects.filter((suspect) => isForeign(suspect))) {
    cluster.logger.warn(
      `ignoring offset ${offset.offset} of ${formatTopicPartition(offset)}, which was committed for a deleted topic with ` +
        `the same name; auto.offset.reset says where the new topic is read from`,
    )
  }
  return committed.filter((offset) => !isForeign(offset))
}
