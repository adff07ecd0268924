import type { FetchedRecord } from '../../client/consumer/fetched-record.ts'
import type { KafkaClient } from '../../client/kafka-client.ts'
import { formatTopicPartition, type TopicPartition } from '../../foundation/topic-partition.ts'
import { isOfOtherTopic, letterContextOf } from './letter-context.ts'
import { markOf, ReplayMarks, type PlacedLetter } from './replay-mark.ts'
import { plans, type ReplayPlan } from './replay-plan.ts'

/** A partition whose letters are delivered again. */
export interface PlannedPartition {
  readonly of: TopicPartition
  readonly plan: ReplayPlan
}

export interface PlannedLetters extends PlannedPartition {
  /** The id of the queue that was read; null if it is not known. */
  readonly queueId: string | null
  /** The records of the letters. */
  readonly records: readonly { readonly offset: number; readonly key: Buffer | null }[]
  /** The number of letters whose records are of an earlier topic with the same name. */
  readonly foreign: number
}

/** More letters than can be delivered again at once. */
export class TooManyLettersError extends Error {
  override readonly name = 'TooManyLettersError'
}

/** The limit of what is kept (I10). */
const maxLetters = 100_000

/** Reads the letters of plans, without those that were delivered again before. @throws TooManyLettersError, and as the client does */
export async function readPlannedLetters(
  parts: {
    readonly client: Pick<KafkaClient, 'partitionRanges' | 'readRanges'>
    readonly connector: string
    readonly topicId: (topic: string) => string | null
    readonly signal: AbortSignal
  },
  planned: readonly PlannedPartition[],
): Promise<readonly PlannedLetters[]> {
  const { client, signal } = parts
  const found: PlannedLetters[] = []
  for (const [topic, ofTopic] of Map.groupBy(planned, ({ plan }) => plan.letters.topic)) {
    const ranges = await client.partitionRanges([topic], signal)
    const reader = new PlannedReader(parts, ranges[0]?.topicId ?? null, ofTopic)
    await client.readRanges(ranges, (record) => reader.add(record), { signal })
    found.push(...reader.found())
  }
  return found
}

class PlannedReader {
  readonly #connector: string
  readonly #queueId: string | null
  readonly #topicId: (topic: string) => string | null
  readonly #planned: ReadonlyMap<string, PlannedPartition>
  readonly #marks: ReplayMarks
  readonly #letters = new Map<string, PlacedLetter[]>()
  #count = 0

  constructor(
    { connector, topicId }: { readonly connector: string; readonly topicId: (topic: string) => string | null },
    queueId: string | null,
    planned: readonly PlannedPartition[],
  ) {
    this.#connector = connector
    this.#queueId = queueId
    this.#topicId = topicId
    this.#planned = new Map(planned.map((one) => [formatTopicPartition(one.of), one]))
    this.#marks = new ReplayMarks(connector)
  }

  add({ partition, offset, key, headers }: FetchedRecord): void {
    const mark = markOf(headers)
    if (mark !== null) {
      this.#marks.add(partition, mark)
      return
    }
    const context = letterContextOf(headers)
    if (context?.connector !== this.#connector) return
    const { topic, partition: of } = context.place
    if (topic === null || of === null) return
    const name = formatTopicPartition({ topic, partition: of })
    const { plan } = this.#planned.get(name) ?? {}
    const letter = { queueId: this.#queueId, partition, offset, key, context }
    if (plan === undefined || !plans(plan, letter)) return
    this.#count += 1
    if (this.#count > maxLetters)
      throw new TooManyLettersError(`more than ${maxLetters} dead letters would be delivered again`)
    const letters = this.#letters.get(name) ?? []
    letters.push(letter)
    this.#letters.set(name, letters)
  }

  found(): readonly PlannedLetters[] {
    return [...this.#planned].map(([name, { of, plan }]) => {
      const letters = (this.#letters.get(name) ?? []).filter((letter) => !this.#marks.cover(letter))
      const id = this.#topicId(of.topic)
      const own = letters.filter(({ context }) => !isOfOtherTopic(context, id))
      const records = own.map(({ key, context }) => ({ offset: context.place.offset ?? 0, key }))
      return { of, plan, queueId: this.#queueId, records, foreign: letters.length - own.length }
    })
  }
}
