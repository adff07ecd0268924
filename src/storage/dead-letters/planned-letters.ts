import type { PartitionRange } from '../../client/consumer/topic-tail.ts'
import type { KafkaClient } from '../../client/kafka-client.ts'
import {
  PlannedReader,
  type FoundLetters,
  type PlannedLetters,
  type PlannedPartition,
  type PlannedReaderOptions,
} from './planned-reader.ts'

/** More letters than can be delivered again at once. */
export class TooManyLettersError extends Error {
  override readonly name = 'TooManyLettersError'
}

export interface LettersSource extends Pick<PlannedReaderOptions, 'connector' | 'topicId'> {
  readonly client: Pick<KafkaClient, 'readRanges'>
  readonly signal: AbortSignal
}

export interface PlannedLettersSource extends LettersSource {
  readonly client: Pick<KafkaClient, 'partitionRanges' | 'readRanges'>
}

/** How many letters can be delivered again at once (I10). */
export const mostLetters = 100_000

/** Reads the letters of plans, without those that were delivered again before. @throws TooManyLettersError, and as the client does */
export async function readPlannedLetters(
  source: PlannedLettersSource,
  planned: readonly PlannedPartition[],
): Promise<readonly PlannedLetters[]> {
  const all: PlannedLetters[] = []
  const { client, signal } = source
  for (const [queue, ofQueue] of Map.groupBy(planned, ({ plan }) => plan.letters.topic)) {
    const ranges = await client.partitionRanges([queue], signal)
    const { partitions, ends } = await readOldestLetters(source, ranges, ofQueue, { most: mostLetters })
    if (ends !== null) throw new TooManyLettersError(`more than ${mostLetters} dead letters would be delivered again`)
    all.push(...partitions)
  }
  return all
}

/** Reads the oldest letters of plans. @param ranges of the queue that has all of them @throws as the client does */
export async function readOldestLetters(
  { client, connector, topicId, signal }: LettersSource,
  ranges: readonly PartitionRange[],
  planned: readonly PlannedPartition[],
  choice: Pick<PlannedReaderOptions, 'most' | 'leftOut'>,
): Promise<FoundLetters> {
  const queueId = ranges[0]?.topicId ?? null
  const read = async (reader: PlannedReader): Promise<PlannedReader> => {
    await client.readRanges(ranges, (record) => reader.add(record), { signal })
    return reader
  }
  const reader = await read(new PlannedReader({ connector, topicId, queueId, ...choice }, planned))
  const again = reader.again()
  return (again === null ? reader : await read(again)).found()
}
