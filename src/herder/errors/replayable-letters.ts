import type { PartitionRange } from '../../client/consumer/topic-tail.ts'
import { readOldestLetters, type LettersSource } from '../../storage/dead-letters/planned-letters.ts'
import type {
  FoundLetters,
  LetterRecord,
  PlannedLetters,
  PlannedPartition,
  PlannedReaderOptions,
} from '../../storage/dead-letters/planned-reader.ts'
import { isRecordOf } from '../../storage/dead-letters/record-identity.ts'

/**
 * Reads the oldest letters of plans whose records are in their topics. A letter that does not name the id of its topic, as those of
 * Kafka Connect do not, may be of an earlier topic with the same name: then the record at its offset has another key or timestamp, or
 * there is none, and the letter counts as gone.
 * @throws as the client does
 */
export async function readReplayableLetters(
  source: LettersSource,
  queueRanges: readonly PartitionRange[],
  planned: readonly PlannedPartition[],
  choice: Pick<PlannedReaderOptions, 'most'> & { readonly leftOut: NonNullable<PlannedReaderOptions['leftOut']> },
): Promise<FoundLetters> {
  const gone = new Set<string>()
  const leftOut: PlannedReaderOptions['leftOut'] = (at, letter) =>
    gone.has(nameOf(letter)) ? 'gone' : choice.leftOut(at, letter)
  for (;;) {
    const found = await readOldestLetters(source, queueRanges, planned, { most: choice.most, leftOut })
    const before = gone.size
    for (const partition of found.partitions)
      for (const { letter } of await withoutRecord(source, partition)) gone.add(nameOf(letter))
    // Each time, later letters of the queue take their places.
    if (gone.size === before) return found
  }
}

/** Returns the letters without an id of their topic whose record is not at its offset. */
async function withoutRecord(
  { client, topicId, signal }: LettersSource,
  { of, plan, records }: PlannedLetters,
): Promise<readonly LetterRecord[]> {
  const unsure = records.filter((record) => record.topicId === null)
  if (unsure.length === 0) return []
  const lost = new Map(Map.groupBy(unsure, ({ offset }) => offset))
  const start = unsure.reduce((first, { offset }) => Math.min(first, offset), plan.until)
  const end = unsure.reduce((last, { offset }) => Math.max(last, offset + 1), start)
  const range = { ...of, start, end, topicId: topicId(of.topic) }
  await client.readRanges(
    [range],
    (record) => {
      const others = lost.get(record.offset)?.filter((letter) => !isRecordOf(letter, record)) ?? []
      if (others.length > 0) lost.set(record.offset, others)
      else lost.delete(record.offset)
    },
    { signal },
  )
  return [...lost.values()].flat()
}

function nameOf({ partition, offset }: LetterRecord['letter']): string {
  return `${partition}@${offset}`
}
