/** What an object says of itself, in its metadata. */
export interface ObjectMark {
  /** The upload that wrote it. */
  readonly writer: string
  /** Where its records are from; null where the cluster has no ids. */
  readonly topicId: string | null
  readonly clusterId: string | null
  /** Its first record, null where it has no timestamp. */
  readonly first: RecordMark | null
}

/** Tells a record from another that has its offset: neither changes as long as the record is in the log. */
interface RecordMark {
  readonly offset: number
  readonly timestamp: number
}

const writerHeader = 'x-amz-meta-penstock-writer'
const firstHeader = 'x-amz-meta-penstock-first-record'
const topicHeader = 'x-amz-meta-penstock-topic-id'
const clusterHeader = 'x-amz-meta-penstock-cluster-id'

/** The mark as metadata of a new object. */
export function markHeaders({ writer, topicId, clusterId, first }: ObjectMark): Record<string, string> {
  return {
    [writerHeader]: writer,
    ...(topicId === null ? {} : { [topicHeader]: topicId }),
    ...(clusterId === null ? {} : { [clusterHeader]: clusterId }),
    ...(first === null ? {} : { [firstHeader]: `${first.offset}@${first.timestamp}` }),
  }
}

/** The mark in the headers of a response; null for an object that was not written by this sink. */
export function markIn(headers: Readonly<Record<string, string>>): ObjectMark | null {
  const writer = headers[writerHeader]
  if (writer === undefined) return null
  const first = /^(\d+)@(\d+)$/.exec(headers[firstHeader] ?? '')
  return {
    writer,
    topicId: headers[topicHeader] ?? null,
    clusterId: headers[clusterHeader] ?? null,
    first: first === null ? null : { offset: Number(first[1]), timestamp: Number(first[2]) },
  }
}
