import { formatTopicPartition, type TopicPartition } from '../../../foundation/topic-partition.ts'
import { sorted } from '../topic-partitions.ts'
import { subscribedPartitions, type Assignments, type Draft } from './assignor.ts'
import { validClaims, type Claimant } from './sticky-claims.ts'

/** A partition, and the member with a valid claim to it; null if none has. */
interface Claimed extends TopicPartition {
  readonly claimant: StickyDraft | null
}

type StickyDraft = Draft<Claimed>

/**
 * Assigns all partitions that members subscribe to, as Kafka's
 * [AbstractStickyAssignor](https://github.com/apache/kafka/blob/3.9/clients/src/main/java/org/apache/kafka/clients/consumer/internals/AbstractStickyAssignor.java) does:
 *
 * - Balanced: no partition could move to a member that has at least two fewer. With equal subscriptions, members differ by
 *   at most one partition.
 * - Sticky: apart from that, a partition stays with the member that has a valid claim to it.
 *
 * The order of the members does not matter. Java decides with the racks of members and replicas in addition.
 */
export function balanced(claimants: readonly Claimant[], partitionCounts: ReadonlyMap<string, number>): Assignments {
  const drafts = claimants
    .map(({ memberId, topics }): StickyDraft => ({ memberId, topics: new Set(topics), partitions: [] }))
    .sort((a, b) => (a.memberId < b.memberId ? -1 : 1))
  const byId = new Map(drafts.map((draft) => [draft.memberId, draft]))
  const claims = validClaims(claimants, partitionCounts)
  const unclaimed: Claimed[] = []
  for (const { topic, partition } of subscribedPartitions(claimants, partitionCounts)) {
    const claimant = byId.get(claims.get(formatTopicPartition({ topic, partition })) ?? '') ?? null
    const holder = claimant?.partitions ?? unclaimed
    holder.push({ topic, partition, claimant })
  }
  assignUnclaimed(unclaimed, drafts)
  moveToBalance(drafts)
  while (swapOneBack(drafts));
  return new Map(
    drafts.map(({ memberId, partitions }) => [
      memberId,
      sorted(partitions.map(({ topic, partition }) => ({ topic, partition }))),
    ]),
  )
}

/** Gives each partition to the subscriber with the fewest. */
function assignUnclaimed(unclaimed: readonly Claimed[], drafts: readonly StickyDraft[]): void {
  for (const partition of unclaimed) {
    const [first, ...others] = drafts.filter(({ topics }) => topics.has(partition.topic))
    if (first === undefined) continue
    const fewest = others.reduce((least, draft) => (size(draft) < size(least) ? draft : least), first)
    fewest.partitions.push(partition)
  }
}

/** Moves partitions, each from a member to one that has at least two fewer, until there is none. */
function moveToBalance(drafts: readonly StickyDraft[]): void {
  for (let isBalanced = false; !isBalanced;) {
    const ascending = drafts.toSorted((a, b) => size(a) - size(b))
    isBalanced = !moveOne(ascending)
  }
}

/** From the member with the most to the one with the fewest, if possible: then no member gives and takes. */
function moveOne(ascending: readonly StickyDraft[]): boolean {
  for (const from of ascending.toReversed())
    for (const to of ascending) {
      if (size(to) + 2 > size(from)) break
      const index = partitionToMove(from, to)
      if (index === null) continue
      to.partitions.push(...from.partitions.splice(index, 1))
      return true
    }
  return false
}

/** Prefers what `to` claims, then what `from` does not, then the last one. Null if `to` subscribes to nothing that `from` has. */
function partitionToMove(from: StickyDraft, to: StickyDraft): number | null {
  let best: number | null = null
  let bestRank = -1
  for (const [index, { topic, claimant }] of from.partitions.entries()) {
    if (!to.topics.has(topic)) continue
    const rank = claimant === to ? 2 : claimant === from ? 0 : 1
    if (rank >= bestRank) [best, bestRank] = [index, rank]
  }
  return best
}

/**
 * Undoes a move that others have made superfluous: a partition returns to the member that claims it, in exchange for one that
 * this member does not claim. Sizes stay as they are. Returns false if there is none.
 */
function swapOneBack(drafts: readonly StickyDraft[]): boolean {
  for (const holder of drafts)
    for (const [index, partition] of holder.partitions.entries()) {
      const { claimant } = partition
      if (claimant === null || claimant === holder) continue
      const other = claimant.partitions.findIndex(
        (candidate) => holder.topics.has(candidate.topic) && candidate.claimant !== claimant,
      )
      const [returned] = other < 0 ? [] : claimant.partitions.splice(other, 1, partition)
      if (returned === undefined) continue
      holder.partitions[index] = returned
      return true
    }
  return false
}

function size({ partitions }: StickyDraft): number {
  return partitions.length
}
