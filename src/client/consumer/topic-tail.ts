import type { IsolationLevel } from '../../protocol/isolation-level.ts'
import { type TopicPartition, formatTopicPartition } from '../../foundation/topic-partition.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { TopicRecreatedError } from '../errors.ts'
import { type FetchedRecord } from './fetched-record.ts'
import { Fetcher } from './fetcher.ts'
import { listOffsets, offsetTimes } from './list-offsets.ts'

const pollMs = 1_000
const recordsPerPoll = 5_000
/** Limits of the buffers (I10): many partitions are read concurrently. */
const limits = { maxBytes: 4 * 1024 * 1024, maxPartitionBytes: 256 * 1024 } as const

/** The offsets of a partition's records: from `start` to before `end`. */
export interface PartitionRange extends TopicPartition {
  readonly start: number
  readonly end: number
  /** The id of the topic that has these offsets; absent or null: not known. */
  readonly topicId?: string | null
}

/** How to read ranges. */
export interface ReadRangesOptions {
  readonly signal: AbortSignal
  readonly isolation?: IsolationLevel
}

/** Returns the offset ranges of all partitions of these topics. Topics that do not exist are omitted. */
export async function partitionRanges(
  cluster: Cluster,
  topics: readonly string[],
  signal: AbortSignal,
): Promise<PartitionRange[]> {
  await cluster.retrying('look up topics', { signal }, () => cluster.refreshMetadata(topics, { signal }))
  const found = topics.flatMap((topic) => cluster.metadata.topics.get(topic) ?? [])
  const ids = new Map(found.map(({ name, id }) => [name, id]))
  const partitions = found.flatMap(({ name, partitions: all }) =>
    all.map(({ partition }) => ({ topic: name, partition })),
  )
  const ask = async (timestamp: number): Promise<Map<string, number>> => {
    const queries = partitions.map((partition) => ({ ...partition, timestamp }))
    const results = await cluster.retrying('find the ends of topics', { signal }, () =>
      listOffsets(cluster, queries, { isolation: 'read_committed', signal }),
    )
    return new Map(results.map((result) => [formatTopicPartition(result), result.offset]))
  }
  if (partitions.length === 0) return []
  const [starts, ends] = [await ask(offsetTimes.earliest), await ask(offsetTimes.latest)]
  return partitions.map(({ topic, partition }) => {
    const key = formatTopicPartition({ topic, partition })
    const topicId = ids.get(topic) ?? null
    return { topic, partition, start: starts.get(key) ?? 0, end: ends.get(key) ?? 0, topicId }
  })
}

/**
 * Reads the records of these ranges, in order within each partition.
 * @throws TopicRecreatedError when the offsets are those of an earlier topic with the same name; BrokerError, or the signal's reason
 */
export async function readRanges(
  cluster: Cluster,
  ranges: readonly PartitionRange[],
  onRecord: (record: FetchedRecord) => void,
  { signal, isolation = 'read_committed' }: ReadRangesOptions,
): Promise<void> {
  const fetcher = new Fetcher(cluster, { ...limits, isolation })
  let open = ranges.filter(({ start, end }) => start < end)
  const ends = new Map(open.map((range) => [formatTopicPartition(range), range.end]))
  try {
    for (const range of open) {
      fetcher.start(range, range.start)
      checkId(fetcher, range)
    }
    while (open.length > 0) {
      const records = await fetcher.poll(pollMs, recordsPerPoll, signal)
      for (const record of records) if (record.offset < (ends.get(formatTopicPartition(record)) ?? 0)) onRecord(record)
      open = open.filter((range) => {
        const isRead = (fetcher.position(range) ?? -1) >= range.end
        if (isRead) fetcher.remove(range)
        return !isRead
      })
    }
  } finally {
    fetcher.close()
  }
}

function checkId(fetcher: Fetcher, { topic, topicId: was = null }: PartitionRange): void {
  const is = fetcher.topicId(topic)
  if (was !== null && is !== null && was !== is) throw new TopicRecreatedError(topic, { was, is })
}
