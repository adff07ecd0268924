import type { Assignor, SubscribedMember } from '../../../../../src/client/group/assignors/assignor.ts'
import type { TopicPartition } from '../../../../../src/foundation/topic-partition.ts'

/** Returns the partitions with these names, such as `t0 t1`. */
export function partitionsOf(names: string): TopicPartition[] {
  return names
    .split(' ')
    .filter((name) => name !== '')
    .map((name) => ({ topic: name.replace(/\d+$/, ''), partition: Number(/\d+$/.exec(name)?.[0]) }))
}

/** Returns the names of partitions, in order. */
export function namesOf(partitions: readonly TopicPartition[]): string {
  return partitions
    .map(({ topic, partition }) => `${topic}${partition}`)
    .sort()
    .join(' ')
}

/** A member with the default of what a test does not state. */
export function member(
  memberId: string,
  topics: string,
  { owned = '', ...others }: Partial<Omit<SubscribedMember, 'owned'>> & { readonly owned?: string } = {},
): SubscribedMember {
  const defaults = { instanceId: null, userData: null, generation: -1 }
  return { ...defaults, ...others, memberId, topics: topics.split(' '), owned: partitionsOf(owned) }
}

/** Returns the names of each member's partitions. */
export function shares(
  assignor: Assignor,
  members: readonly SubscribedMember[],
  counts: Readonly<Record<string, number>>,
): Record<string, string> {
  const assignments = assignor.assign(members, new Map(Object.entries(counts)))
  return Object.fromEntries([...assignments].map(([memberId, partitions]) => [memberId, namesOf(partitions)]))
}
