import type { GroupOffset } from '../../client/group/group-offsets.ts'
import { formatTopicPartition } from '../../foundation/topic-partition.ts'
import { areOtherTopics } from '../../storage/dead-letters/letter-context.ts'
import { isSameChoice, type LetterChoice } from '../../storage/dead-letters/letter-choice.ts'
import { queueDeleted, recordsDeleted } from '../../storage/dead-letters/replay-problems.ts'
import { planOf, type PlannedQueue, type ReplayPlan } from '../../storage/dead-letters/replay-plan.ts'
import { BadRequestError } from '../herder-errors.ts'

/** What is asked for. */
export interface AskedReplay {
  readonly connector: string
  /** The dead letter queue. */
  readonly topic: string
  readonly choice: LetterChoice
}

/** A partition with its plan. */
export interface PlannedOffset {
  readonly offset: GroupOffset
  readonly plan: ReplayPlan
}

/** What the cluster has. */
export interface ReplayPlace {
  /** The dead letter queue; null if it does not exist. */
  readonly queue: Pick<PlannedQueue, 'id'> | null
  /** By partition, the offset of the first record. */
  readonly starts: ReadonlyMap<string, number>
}

/** Returns the partitions of which letters are being delivered again. */
export function standingPlans(committed: readonly GroupOffset[]): readonly PlannedOffset[] {
  return committed.flatMap((offset) => {
    const plan = planOf(offset.metadata)
    return plan === null ? [] : [{ offset, plan }]
  })
}

/** @throws BadRequestError when what is asked for is not what is being delivered again, or that cannot be carried out any more */
export function checkStanding(
  { connector, topic, choice }: AskedReplay,
  standing: readonly PlannedOffset[],
  { queue, starts }: ReplayPlace,
): void {
  if (standing.some(({ plan }) => plan.letters.topic !== topic || !isSameChoice(plan.choice, choice)))
    throw new BadRequestError(
      `Other dead letters of ${connector} are being delivered again, of ${standing.map(({ offset }) => formatTopicPartition(offset)).join(', ')}: ` +
        'resume it, and repeat the request when its status has no REPLAY any more. To end that instead, set these offsets with PATCH …/offsets',
    )
  for (const { offset: at, plan } of standing) {
    const name = formatTopicPartition(at)
    if (queue === null || areOtherTopics(plan.letters.id, queue.id)) throw new BadRequestError(queueDeleted(name, plan))
    const logStartOffset = starts.get(name) ?? 0
    if (at.offset < logStartOffset)
      throw new BadRequestError(recordsDeleted(name, plan, { offset: at.offset, logStartOffset }))
  }
}
