import { formatTopicPartition } from '../../../foundation/topic-partition.ts'
import { withDeadline } from '../../../foundation/async/deadline.ts'
import { errorMessage } from '../../../foundation/error-message.ts'
import { ConnectError, RetriableError } from '../../../api/errors.ts'
import { noHeaders, type SourceRecord } from '../../../api/record.ts'
import type { SourceTaskContext } from '../../../api/task.ts'
import { BrokerError } from '../../../client/errors.ts'
import type { FetchedRecord } from '../../../client/consumer/fetched-record.ts'
import type { KafkaClient } from '../../../client/kafka-client.ts'
import type { PartitionRange } from '../../../client/consumer/topic-tail.ts'
import type { Clock } from '../../../foundation/clock.ts'
import { isRetriable } from '../../failures.ts'
import type { TransformStep } from '../conversion/transform-chain.ts'

/**
 * How many of a partition's last records are read; the second number where the first read found no header, because
 * another producer wrote last, or because of compaction.
 */
const tails = [200, 20_000] as const
const timeoutMs = 60_000

/** The client of the task. */
export type TailReader = Pick<KafkaClient, 'partitionRanges' | 'readRanges'>

/** Finds the greatest number in a header of the last records of topics. Time, memory and reads are bounded. */
export function greatestHeader(
  client: TailReader,
  transforms: readonly TransformStep[],
  clock: Clock,
): SourceTaskContext['greatestHeader'] {
  return async (topics, header) => {
    const names = [...new Set(topics.flatMap((topic) => possibleNames(transforms, topic)))]
    try {
      return await withDeadline(
        { clock, ms: timeoutMs },
        async (signal) => await greatest(client, names, header, signal),
      )
    } catch (error) {
      const text = `reading header ${header} at the ends of ${names.length} topics: ${errorMessage(error)}`
      if (error instanceof BrokerError && error.codeName === 'TOPIC_AUTHORIZATION_FAILED') {
        throw new ConnectError(`${text}. Allow the worker's user to read the topics that its sources write.`, {
          code: 'TOPIC_READ_DENIED',
          cause: error,
        })
      }
      if (isRetriable(error)) throw new RetriableError(text, { cause: error })
      throw error
    }
  }
}

async function greatest(
  client: TailReader,
  topics: readonly string[],
  header: string,
  signal: AbortSignal,
): Promise<bigint | null> {
  let ranges: readonly PartitionRange[] = await client.partitionRanges(topics, signal)
  let found: bigint | null = null
  for (const tail of tails) {
    const silent = new Set(ranges)
    const byPartition = new Map(ranges.map((range) => [formatTopicPartition(range), range]))
    const onRecord = (record: FetchedRecord): void => {
      const value = integerIn(record, header)
      if (value === null) return
      const range = byPartition.get(formatTopicPartition(record))
      if (range !== undefined) silent.delete(range)
      if (found === null || value > found) found = value
    }
    const last = ranges.map(({ topic, partition, start, end }) => {
      return { topic, partition, start: Math.max(start, end - tail), end }
    })
    await client.readRanges(last, onRecord, { signal })
    // The records before a tail without the header, if any.
    ranges = [...silent]
      .filter((range) => range.end - tail > range.start)
      .map(({ topic, partition, start, end }) => ({ topic, partition, start, end: end - tail }))
    if (ranges.length === 0) break
  }
  return found
}

function integerIn(record: FetchedRecord, header: string): bigint | null {
  const text = record.headers.findLast(({ key }) => key === header)?.value?.toString('latin1') ?? ''
  return /^\d{1,19}$/.test(text) ? BigInt(text) : null
}

/**
 * Returns the names that a topic may have after the transforms. Each step is tried on an empty record, and may be skipped,
 * because its predicate may depend on more than the name. Names that a step derives from the content are not found.
 */
export function possibleNames(transforms: readonly TransformStep[], topic: string): string[] {
  const names = new Set([topic])
  for (const step of transforms) {
    for (const name of [...names].slice(0, maxNames)) names.add(renamed(step, name))
  }
  return [...names]
}

const maxNames = 32

function renamed({ transform }: TransformStep, topic: string): string {
  const bare: SourceRecord = {
    topic,
    partition: null,
    keySchema: null,
    key: null,
    valueSchema: null,
    value: null,
    timestamp: null,
    headers: noHeaders,
    sourcePartition: {},
    sourceOffset: {},
  }
  try {
    return transform.apply(bare)?.topic ?? topic
  } catch {
    return topic // it needs content
  }
}
