import type { FetchedRecord } from '../../client/consumer/fetched-record.ts'
import { formatTopicPartition, type TopicPartition } from '../../foundation/topic-partition.ts'
import { isOfOtherTopic, letterContextOf } from './letter-context.ts'
import { recordTimeOf, type RecordIdentity } from './record-identity.ts'
import { markOf, ReplayMarks, type PlacedLetter } from './replay-mark.ts'
import { plans, type ReplayPlan } from './replay-plan.ts'

/** A partition whose letters are delivered again. */
export interface PlannedPartition {
  readonly of: TopicPartition
  readonly plan: ReplayPlan
}

/** What a letter says of its record. */
export interface LetterRecord extends RecordIdentity {
  readonly offset: number
  /** Its place in the queue. */
  readonly letter: Pick<PlacedLetter, 'partition' | 'offset'>
  /** The id of its topic; null if the letter does not say it. */
  readonly topicId: string | null
}

export interface PlannedLetters extends PlannedPartition {
  /** The id of the queue that was read; null if it is not known. */
  readonly queueId: string | null
  readonly records: readonly LetterRecord[]
}

/** Why letters are left out: their records are no longer in their topics, or the sink does not read those any more. */
export type LeftOut = 'gone' | 'unread'

export interface FoundLetters {
  readonly partitions: readonly PlannedLetters[]
  /** How many letters are left out. */
  readonly leftOut: Readonly<Record<LeftOut, number>>
  /** Null: there are no more. Else the part of the queue that has them: for each partition, the offset before which they are. */
  readonly ends: ReadonlyMap<number, number> | null
}

export interface PlannedReaderOptions {
  readonly connector: string
  /** The id of the queue; null if it is not known. */
  readonly queueId: string | null
  readonly topicId: (topic: string) => string | null
  /** How many letters are kept (I10): the oldest ones, in the order of their offsets in the queue. */
  readonly most: number
  /** Says why a record is left out; absent: none is. */
  readonly leftOut?: (
    at: TopicPartition & { readonly offset: number },
    letter: LetterRecord['letter'],
  ) => LeftOut | null
}

interface KeptLetter extends PlacedLetter {
  /** The name of its record's partition. */
  readonly of: string
  readonly timestamp: number | null
}

/**
 * Finds the letters of plans in a dead letter queue, without those that were delivered again before. A mark that says so is behind the
 * letters: when there are more than can be kept, the queue is read {@link again} with the marks that are known then.
 */
export class PlannedReader {
  readonly #options: PlannedReaderOptions
  readonly #planned: ReadonlyMap<string, PlannedPartition>
  readonly #marks: ReplayMarks
  /** Whether all marks are known. */
  readonly #isMarked: boolean
  readonly #leftOut = { gone: 0, unread: 0 }
  #kept: KeptLetter[] = []
  #isOverfull = false

  constructor(options: PlannedReaderOptions, planned: readonly PlannedPartition[], marks: ReplayMarks | null = null) {
    this.#options = options
    this.#planned = new Map(planned.map((one) => [formatTopicPartition(one.of), one]))
    this.#marks = marks ?? new ReplayMarks(options.connector)
    this.#isMarked = marks !== null
  }

  /** The reader to read the queue again with; null when that is not needed. */
  again(): PlannedReader | null {
    if (!this.#isOverfull) return null
    return new PlannedReader(this.#options, [...this.#planned.values()], this.#marks)
  }

  add(record: FetchedRecord): void {
    const { partition, offset, key, headers } = record
    const mark = markOf(headers)
    if (mark !== null) {
      this.#marks.add(partition, mark)
      return
    }
    if (this.#isOverfull) return
    const { connector, queueId } = this.#options
    const context = letterContextOf(headers)
    if (context?.connector !== connector) return
    const { topic, partition: of, offset: at } = context.place
    if (topic === null || of === null || at === null) return
    const name = formatTopicPartition({ topic, partition: of })
    const { plan } = this.#planned.get(name) ?? {}
    const letter = { queueId, partition, offset, key, context, of: name, timestamp: recordTimeOf(record) }
    if (plan === undefined || at < plan.from || !plans(plan, letter)) return
    if (this.#isMarked && !this.#isLeft(letter)) return
    // A copy: the response that the key came in is not kept.
    this.#kept.push({ ...letter, key: key === null ? null : Buffer.from(key) })
    this.#bound()
  }

  found(): FoundLetters {
    const { most, queueId } = this.#options
    const left = this.#isMarked ? this.#kept : this.#kept.filter((letter) => this.#isLeft(letter))
    const sorted = left.toSorted(inQueue)
    const taken = sorted.slice(0, most)
    const ends = new Map<number, number>()
    for (const { partition, offset } of taken) ends.set(partition, offset + 1)
    const byPartition = Map.groupBy(taken, ({ of }) => of)
    const partitions = [...this.#planned].map(([name, { of, plan }]): PlannedLetters => {
      const letters = byPartition.get(name) ?? []
      const records = letters.map(recordOf)
      return { of, plan, queueId, records }
    })
    return { partitions, leftOut: this.#leftOut, ends: sorted.length > most ? ends : null }
  }

  /** Returns whether the letter is to be delivered again, and counts it if it is left out. */
  #isLeft(letter: KeptLetter): boolean {
    if (this.#marks.cover(letter)) return false
    const { topicId, leftOut } = this.#options
    const { topic, partition, offset } = letter.context.place
    if (topic === null || partition === null || offset === null) return false
    const isForeign = isOfOtherTopic(letter.context, topicId(topic))
    const why = isForeign ? 'gone' : (leftOut?.({ topic, partition, offset }, letter) ?? null)
    if (why !== null) this.#leftOut[why] += 1
    return why === null
  }

  #bound(): void {
    const { most } = this.#options
    if (!this.#isMarked && this.#kept.length > most) {
      this.#isOverfull = true
      this.#kept = []
    }
    // One more shows that there are more. Twice as many, so that they are not sorted for each one.
    if (this.#kept.length > 2 * (most + 1)) this.#kept = this.#kept.toSorted(inQueue).slice(0, most + 1)
  }
}

function recordOf({ partition, offset, key, timestamp, context }: KeptLetter): LetterRecord {
  const { place, topicId } = context
  return { offset: place.offset ?? 0, key, timestamp, topicId, letter: { partition, offset } }
}

function inQueue(one: PlacedLetter, other: PlacedLetter): number {
  return one.offset - other.offset || one.partition - other.partition
}
