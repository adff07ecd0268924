import { formatTopicPartition } from '../../../foundation/topic-partition.ts'
import type { SubscribedMember } from './assignor.ts'

/** A member, and the partitions that it has had in that generation. */
export type Claimant = Pick<SubscribedMember, 'memberId' | 'topics' | 'owned' | 'generation'>

interface Claim {
  /** Null if members of the same generation claim the partition. */
  readonly memberId: string | null
  readonly generation: number
}

/**
 * Returns the members whose claims count, by the name of the partition. The partition has to exist, and the member to subscribe
 * to it. Of two members that claim the same partition, the one of the later generation has it (KIP-792); in the same
 * generation, neither: it is not known which one the group has assigned it to.
 */
export function validClaims(
  claimants: readonly Claimant[],
  partitionCounts: ReadonlyMap<string, number>,
): ReadonlyMap<string, string> {
  const claims = new Map<string, Claim>()
  for (const { memberId, topics, owned, generation } of claimants) {
    const wanted = new Set(topics)
    for (const partition of owned) {
      if (!wanted.has(partition.topic) || partition.partition >= (partitionCounts.get(partition.topic) ?? 0)) continue
      const key = formatTopicPartition(partition)
      const other = claims.get(key)
      if (other === undefined || other.generation < generation) claims.set(key, { memberId, generation })
      else if (other.generation === generation && other.memberId !== memberId)
        claims.set(key, { ...other, memberId: null })
    }
  }
  return new Map([...claims].flatMap(([key, { memberId }]) => (memberId === null ? [] : [[key, memberId]])))
}
