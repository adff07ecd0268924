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

export interface PlannedLettersSource extends Pick<PlannedReaderOptions, 'connector' | 'topicId'> {
  readonly client: Pick<KafkaClient, 'partitionRanges' | 'readRanges'>
  readonly signal: AbortSignal
}

/** How many letters can be delivered again at once (I10). */
export const mostLetters = 100_000

/** Reads the letters of plans, without those that were delivered again before. @throws TooManyLettersError, and as the client does */
export async function readPlannedLetters(
  source: PlannedLettersSource,
  planned: readonly PlannedPartition[],
): Promise<readonly PlannedLetters[]> {
  const all: PlannedLetters[] = []
  for (const [queue, ofQueue] of Map.groupBy(planned, ({ plan }) => plan.letters.topic)) {
    const { partitions, ends } = await readOldestLetters(source, queue, ofQueue, { most: mostLetters })
    if (ends !== null) throw new TooManyLettersError(`more than ${mostLetters} dead letters would be delivered again`)
    all.push(...partitions)
  }
  return all
}

/** Reads the oldest letters of plans, whose letters are in one queue. @throws as the client does */
export async function readOldestLetters(
  { client, connector, topicId, signal }: PlannedLettersSource,
  queue: string,
  planned: readonly PlannedPartition[],
  choice: Pick<PlannedReaderOptions, 'most' | 'leftOut'>,
): Promise<FoundLetters> {
  const ranges = await client.partitionRanges([queue], signal)
  const queueId = ranges[0]?.topicId ?? null
  const read = async (reader: PlannedReader): Promise<PlannedReader> => {
    await client.readRanges(ranges, (record) => reader.add(record), { signal })
    return reader
  }
  const reader = await read(new PlannedReader({ connector, topicId, queueId, ...choice }, planned))
  const again = reader.again()
  return (again === null ? reader : await read(again)).found()
}
