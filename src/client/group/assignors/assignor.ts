import type { TopicPartition } from '../../../foundation/topic-partition.ts'

/** A member of a consumer group, as its leader knows it. */
export interface SubscribedMember {
  readonly memberId: string
  /** `group.instance.id`; null for a dynamic member. */
  readonly instanceId: string | null
  readonly topics: readonly string[]
  /** What the member's assignor has added. */
  readonly userData: Buffer | null
  /** The partitions that it keeps while it joins; none in the eager protocol. */
  readonly owned: readonly TopicPartition[]
  /** The generation in which it owns them; -1 if it has none. */
  readonly generation: number
}

/** The last assignment of a member, which a sticky assignor reports to the leader. */
export interface LastAssignment {
  readonly partitions: readonly TopicPartition[]
  readonly generation: number
}

/** Partitions by the id of their member. */
export type Assignments = Map<string, TopicPartition[]>

/** Decides which member of a group reads which partitions. Pure: equal members and topics get equal partitions. */
export interface Assignor {
  /** Kafka's name, by which members of a group agree on an assignor. */
  readonly name: string
  /** Whether members may keep their partitions while they join (KIP-429). */
  readonly isCooperative: boolean
  /** What the leader needs to know of a member. */
  readonly userData: (last: LastAssignment | null) => Buffer | null
  /** @param partitionCounts by topic; topics that do not exist are missing. @returns every member, also those without partitions */
  readonly assign: (members: readonly SubscribedMember[], partitionCounts: ReadonlyMap<string, number>) => Assignments
}

function order(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}

/** Returns the members by instance id, so that a restart changes nothing, and behind them the dynamic ones by member id. */
function inOrder(members: readonly SubscribedMember[]): SubscribedMember[] {
  return members.toSorted((a, b) => {
    if (a.instanceId !== null && b.instanceId !== null) return order(a.instanceId, b.instanceId)
    if (a.instanceId === null && b.instanceId === null) return order(a.memberId, b.memberId)
    return a.instanceId === null ? 1 : -1
  })
}

/** A member while its partitions are being chosen. */
export interface Draft<P extends TopicPartition = TopicPartition> {
  readonly memberId: string
  readonly topics: ReadonlySet<string>
  readonly partitions: P[]
}

/** Returns the drafts of members, in {@link inOrder}, without partitions. */
export function draftsOf(members: readonly SubscribedMember[]): Draft[] {
  return inOrder(members).map(({ memberId, topics }) => ({ memberId, topics: new Set(topics), partitions: [] }))
}

/** Returns the partitions of the members. */
export function assignmentsOf(drafts: readonly Draft[]): Assignments {
  return new Map(drafts.map(({ memberId, partitions }) => [memberId, partitions]))
}

/** Returns the topics that members subscribe to, by name. */
export function subscribedTopics(members: readonly Pick<SubscribedMember, 'topics'>[]): string[] {
  return [...new Set(members.flatMap((member) => member.topics))].sort()
}

/** Returns the existing partitions of all topics that members subscribe to, by topic name and number. */
export function subscribedPartitions(
  members: readonly Pick<SubscribedMember, 'topics'>[],
  partitionCounts: ReadonlyMap<string, number>,
): TopicPartition[] {
  return subscribedTopics(members).flatMap((topic) =>
    Array.from({ length: partitionCounts.get(topic) ?? 0 }, (_, partition) => ({ topic, partition })),
  )
}
