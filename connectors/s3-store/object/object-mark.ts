/** Where an object comes from, as its metadata says. */
export interface ObjectMark {
  /** The upload that wrote it. */
  readonly writer: string
  /** The topic of its records; null in a cluster without topic ids. */
  readonly topicId: string | null
  readonly clusterId: string | null
  /** Its first record; null when the record has no timestamp. */
  readonly first: RecordMark | null
}

/** Tells a record from another one with the same offset: neither changes while the record is in the partition log. */
interface RecordMark {
  readonly offset: number
  readonly timestamp: number
}

const writerKey = 'penstock-writer'
const firstKey = 'penstock-first-record'
const topicKey = 'penstock-topic-id'
const clusterKey = 'penstock-cluster-id'

/** The metadata of a new object; the SDK adds the prefix `x-amz-meta-`. */
export function markMetadata({ writer, topicId, clusterId, first }: ObjectMark): Record<string, string> {
  return {
    [writerKey]: writer,
    ...(topicId === null ? {} : { [topicKey]: topicId }),
    ...(clusterId === null ? {} : { [clusterKey]: clusterId }),
    ...(first === null ? {} : { [firstKey]: `${first.offset}@${first.timestamp}` }),
  }
}

/** The mark in an object's metadata; null for an object that was not written by this sink. */
export function markIn(metadata: Readonly<Record<string, string>>): ObjectMark | null {
  const writer = metadata[writerKey]
  if (writer === undefined) return null
  const first = /^(\d+)@(\d+)$/.exec(metadata[firstKey] ?? '')
  return {
    writer,
    topicId: metadata[topicKey] ?? null,
    clusterId: metadata[clusterKey] ?? null,
    first: first === null ? null : { offset: Number(first[1]), timestamp: Number(first[2]) },
  }
}
