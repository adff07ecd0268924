import { createHash } from 'node:crypto'

import { chooses, type LetterChoice } from './letter-choice.ts'
import { areOtherTopics } from './letter-context.ts'
import type { PlacedLetter } from './replay-mark.ts'
import { numberIn, objectIn, textIn } from './stored-json.ts'

/** The part of a dead letter queue that has the letters. */
export interface PlannedQueue {
  readonly topic: string
  /** The id of the topic; null if it is not known. A queue that is created again has other offsets. */
  readonly id: string | null
  /** For each partition, the offset before which the letters are. */
  readonly ends: ReadonlyMap<number, number>
}

/**
 * Which records of a partition are delivered again between the committed offset and `until`. It is stored with the committed
 * offset, so that it ends when the offset is altered or reset.
 */
export interface ReplayPlan {
  readonly letters: PlannedQueue
  readonly choice: LetterChoice
  /** The number of records that are delivered again. */
  readonly count: number
  /** Whether other letters of the choice are left for another plan. */
  readonly more: boolean
  /** The offset of the first of the records. */
  readonly from: number
  /** Where the sink was: from here on, every record is delivered. */
  readonly until: number
}

/** Whether a plan of the partition of a letter's record delivers that again. */
export function plans(
  { letters, choice, until }: ReplayPlan,
  { queueId, partition, offset, key, context }: PlacedLetter,
): boolean {
  const { offset: at } = context.place
  if (areOtherTopics(letters.id, queueId)) return false
  return at !== null && at < until && offset < (letters.ends.get(partition) ?? 0) && chooses(choice, context, key)
}

const form = /^penstock-replay=(\{.*\})(?: |$)/

/** Returns the metadata of a committed offset. */
export function planText({ letters, choice, count, more, from, until }: ReplayPlan): string {
  const ends = Object.fromEntries(letters.ends)
  // Without spaces: one ends the plan.
  const json = JSON.stringify({ topic: letters.topic, id: letters.id, ends, ...choice, count, more, from, until })
  return `penstock-replay=${json}`
}

/** Names a plan by all that it says: another plan for the same records, as letters were added since, has another name. */
export function planId(plan: ReplayPlan): string {
  return createHash('sha256').update(planText(plan)).digest('hex').slice(0, 16)
}

/** Null for metadata without a plan. */
export function planOf(metadata: string | null | undefined): ReplayPlan | null {
  const json = objectIn(form.exec(metadata ?? '')?.[1] ?? '')
  const [topic, until, count] = [textIn(json, 'topic'), numberIn(json, 'until'), numberIn(json, 'count')]
  if (topic === null || until === null || count === null) return null
  const ends = new Map<number, number>()
  for (const [partition, end] of Object.entries(json.get('ends') ?? {}))
    if (typeof end === 'number') ends.set(Number(partition), end)
  const choice = { cause: textIn(json, 'cause'), key: textIn(json, 'key') }
  const more = json.get('more') === true
  return {
    letters: { topic, id: textIn(json, 'id'), ends },
    choice,
    count,
    more,
    from: numberIn(json, 'from') ?? 0,
    until,
  }
}
