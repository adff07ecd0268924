import type { TopicPartition } from '../../foundation/topic-partition.ts'
import { chooses, type LetterChoice } from './letter-choice.ts'
import { areOtherTopics, isOfOtherTopic, type LetterContext, type LetterHeader } from './letter-context.ts'
import { numberIn, objectIn, textIn } from './stored-json.ts'

/**
 * A record of a dead letter queue that is no letter: it says which letters before it have been delivered again. Each partition of
 * the queue has its own, behind those letters.
 */
export interface ReplayMark {
  readonly connector: string
  /** The id of the queue that has the letters; null if it is not known. The record may be in a later queue with the same name. */
  readonly queueId: string | null
  /** The partition of the letters' records. */
  readonly of: TopicPartition
  /** The id of its topic; null if it is not known. */
  readonly topicId: string | null
  readonly choice: LetterChoice
  /** Letters from this offset of the queue's partition on have not been delivered again. */
  readonly end: number
  /** Records from this offset of their own partition on had not been read. */
  readonly until: number
}

/** The header that makes a record a mark. */
const markHeader = '__penstock.errors.replayed'

/** Returns a mark as a record. It has a key and a value of its own, so that a compacted topic takes and keeps it. */
export function markRecord({ connector, queueId, of, topicId, choice, end, until }: ReplayMark): MarkRecord {
  const text = JSON.stringify({
    connector,
    queue: queueId,
    topic: of.topic,
    topicId,
    partition: of.partition,
    end,
    until,
    ...choice,
  })
  const value = Buffer.from(text)
  return { key: Buffer.from(`${markHeader}=${text}`), value, headers: [{ key: markHeader, value }] }
}

interface MarkRecord {
  readonly key: Buffer
  readonly value: Buffer
  readonly headers: readonly LetterHeader[]
}

/** Null for a record that is no mark. */
export function markOf(headers: readonly LetterHeader[]): ReplayMark | null {
  const header = headers.length === 1 ? headers[0] : undefined
  if (header?.key !== markHeader || header.value === null) return null
  const json = objectIn(header.value.toString())
  const [connector, topic] = [textIn(json, 'connector'), textIn(json, 'topic')]
  const [partition, end, until] = [numberIn(json, 'partition'), numberIn(json, 'end'), numberIn(json, 'until')]
  if (connector === null || topic === null || partition === null || end === null || until === null) return null
  const choice = { cause: textIn(json, 'cause'), key: textIn(json, 'key') }
  const [queueId, topicId] = [textIn(json, 'queue'), textIn(json, 'topicId')]
  return { connector, queueId, of: { topic, partition }, topicId, choice, end, until }
}

/** A letter, and its place in its queue. */
export interface PlacedLetter {
  /** The id of the queue; null if it is not known. */
  readonly queueId: string | null
  readonly partition: number
  readonly offset: number
  readonly key: Buffer | null
  readonly context: LetterContext
}

/** The marks of one connector, by the partition of the queue. */
export class ReplayMarks {
  readonly #connector: string
  readonly #marks = new Map<number, ReplayMark[]>()

  constructor(connector: string) {
    this.#connector = connector
  }

  /**
   * Returns whether the mark says more than those before.
   * @param partition of the queue
   */
  add(partition: number, mark: ReplayMark): boolean {
    if (mark.connector !== this.#connector) return false
    const marks = this.#marks.get(partition) ?? []
    // Of the same letters, the last one says the most.
    if (marks.some((other) => includes(other, mark))) return false
    const others = marks.filter((other) => !includes(mark, other))
    this.#marks.set(partition, [...others, mark])
    return true
  }

  /** Whether the letter's record was delivered again. */
  cover({ queueId, partition, offset, key, context }: PlacedLetter): boolean {
    const { place } = context
    return (this.#marks.get(partition) ?? []).some(
      ({ queueId: markedId, of, topicId, end, until, choice }) =>
        offset < end &&
        !areOtherTopics(markedId, queueId) &&
        !isOfOtherTopic(context, topicId) &&
        of.topic === place.topic &&
        of.partition === place.partition &&
        (place.offset ?? until) < until &&
        chooses(choice, context, key),
    )
  }
}

/** Whether a mark covers whatever an earlier one does. */
function includes(mark: ReplayMark, { queueId, of, topicId, choice, end, until }: ReplayMark): boolean {
  return (
    mark.queueId === queueId &&
    mark.topicId === topicId &&
    mark.of.topic === of.topic &&
    mark.of.partition === of.partition &&
    mark.end >= end &&
    mark.until >= until &&
    (mark.choice.cause ?? choice.cause) === choice.cause &&
    (mark.choice.key ?? choice.key) === choice.key
  )
}
