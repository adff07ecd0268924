import { formatTopicPartition } from '../../../foundation/topic-partition.ts'
import type { Assignments, Assignor, SubscribedMember } from './assignor.ts'
import { balanced } from './sticky-balance.ts'

const generationBytes = 4

/**
 * Kafka's [CooperativeStickyAssignor](https://kafka.apache.org/39/javadoc/org/apache/kafka/clients/consumer/CooperativeStickyAssignor.html):
 * as {@link stickyAssignor}, for members that keep their partitions while they join
 * ([KIP-429](https://cwiki.apache.org/confluence/display/KAFKA/KIP-429%3A+Kafka+Consumer+Incremental+Rebalance+Protocol)). A
 * partition that is to move is assigned to no member at first. Its owner revokes it and joins again, and that rebalance assigns it.
 */
export const cooperativeStickyAssignor: Assignor = {
  name: 'cooperative-sticky',
  isCooperative: true,
  userData: (last) => {
    const data = Buffer.alloc(generationBytes)
    data.writeInt32BE(last?.generation ?? -1)
    return data
  },
  assign: (members, partitionCounts) => {
    const claimants = members.map((member) => ({ ...member, generation: generationOf(member) }))
    return withoutOwnedByOthers(balanced(claimants, partitionCounts), members)
  },
}

/** Version 0 and 1 of the subscription have no generation; the user data has it then. */
function generationOf({ generation, userData }: SubscribedMember): number {
  if (generation >= 0 || userData === null || userData.length < generationBytes) return generation
  return userData.readInt32BE(0)
}

/**
 * Returns the assignments without partitions that another member owns. Also a claim that counts for nothing holds a partition
 * back, be it of an old generation: the member may be reading the partition until it learns the assignment.
 */
function withoutOwnedByOthers(assignments: Assignments, members: readonly SubscribedMember[]): Assignments {
  const ownersOf = new Map<string, Set<string>>()
  for (const { memberId, owned } of members)
    for (const partition of owned) {
      const key = formatTopicPartition(partition)
      ownersOf.set(key, (ownersOf.get(key) ?? new Set()).add(memberId))
    }
  return new Map(
    [...assignments].map(([memberId, partitions]) => [
      memberId,
      partitions.filter((partition) => ownersOf.get(formatTopicPartition(partition))?.has(memberId) ?? true),
    ]),
  )
}
