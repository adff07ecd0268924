import { formatTopicPartition } from '../../foundation/topic-partition.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { GroupOffset } from './group-offsets.ts'

const topicIdMark = 'penstock-topic-id='
/** The end of the metadata of a committed offset. */
const form = /(?:^| )penstock-topic-id=(\S*)$/

/** Returns the id of the topic for which an offset was committed; null if its metadata does not say it. */
export function topicIdIn(metadata: string): string | null {
  return form.exec(metadata)?.[1] ?? null
}

/** Returns metadata of a committed offset with the id of its topic. */
export function withTopicId(metadata: string, id: string | null): string {
  return id === null ? metadata : `${metadata}${metadata === '' ? '' : ' '}${topicIdMark}${id}`
}

/** Returns the offsets with the ids of their topics in those that have no metadata. */
export function withTopicIds(
  offsets: readonly GroupOffset[],
  ids: ReadonlyMap<string, string | null>,
): readonly GroupOffset[] {
  return offsets.map((offset) => {
    const id = ids.get(offset.topic) ?? null
    return offset.metadata !== undefined || id === null ? offset : { ...offset, metadata: withTopicId('', id) }
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
    const committedFor = topicIdIn(offset.metadata ?? '')
    return id !== null && committedFor !== null && committedFor !== id
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
