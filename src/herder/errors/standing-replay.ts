import type { RawConfig } from '../../api/config-def.ts'
import type { GroupOffset } from '../../client/group/group-offsets.ts'
import { hasReference } from '../../config/providers/provider-reference.ts'
import { formatTopicPartition } from '../../foundation/topic-partition.ts'
import { subscriptionOf } from '../../runtime/task-thread/sink/membership/subscription-of.ts'
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
  /** How many letters to deliver at most, the oldest ones; null: all. */
  readonly limit: number | null
  /** Whether the connector reads a topic. */
  readonly isRead: (topic: string) => boolean
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

/** Splits offsets into those with a plan, and the others. */
export function splitPlans(committed: readonly GroupOffset[]): {
  readonly standing: readonly PlannedOffset[]
  readonly free: readonly GroupOffset[]
} {
  const standing: PlannedOffset[] = []
  const free: GroupOffset[] = []
  for (const offset of committed) {
    const plan = planOf(offset.metadata)
    if (plan === null) free.push(offset)
    else standing.push({ offset, plan })
  }
  return { standing, free }
}

/** Returns which topics a sink reads; any, where only its tasks know. @throws ConfigError for a config without topics */
export function topicsRead(config: RawConfig): (topic: string) => boolean {
  if (hasReference(config['topics']) || hasReference(config['topics.regex'])) return () => true
  const selection = subscriptionOf(config)
  return (topic) => ('topics' in selection ? selection.topics.includes(topic) : selection.pattern.test(topic))
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
