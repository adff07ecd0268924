import type { TopicPartition } from '../../../foundation/topic-partition.ts'
import { KafkaError } from '../../errors.ts'
import { decodeAssignment, decodeSubscription, encodeAssignment, encodeSubscription } from '../consumer-protocol.ts'
import type { Generation, GroupProtocol, MemberMetadata } from '../group-member-options.ts'
import type { Assignor, LastAssignment, SubscribedMember } from './assignor.ts'
import { cooperativeStickyAssignor } from './cooperative-sticky-assignor.ts'
import { rangeAssignor } from './range-assignor.ts'
import { roundRobinAssignor } from './round-robin-assignor.ts'
import { stickyAssignor } from './sticky-assignor.ts'

const assignors = {
  range: rangeAssignor,
  roundrobin: roundRobinAssignor,
  sticky: stickyAssignor,
  'cooperative-sticky': cooperativeStickyAssignor,
} as const satisfies Readonly<Record<string, Assignor>>

/** Kafka's name of an assignor. */
export type AssignorName = keyof typeof assignors

/**
 * That of Kafka's consumer. The second one lets members be set to the cooperative assignor alone, one after the other, while
 * the others of the group still have the default: they have an assignor in common all the time.
 */
const defaultNames: readonly AssignorName[] = ['range', 'cooperative-sticky']

/** The assignors that a member offers to its group, which chooses the first one that all its members have. */
export class AssignmentStrategy {
  /** Whether the member keeps its partitions while it joins: only if each of its assignors allows it, as in Kafka's consumer. */
  readonly isCooperative: boolean
  readonly #assignors: readonly Assignor[]
  #last: LastAssignment | null = null

  constructor(names: readonly AssignorName[] = defaultNames) {
    this.#assignors = names.map((name) => assignors[name])
    this.isCooperative = this.#assignors.every((assignor) => assignor.isCooperative)
  }

  /** Returns what the member sends to its group. @param generation that of `owned`; -1 if there is none */
  protocols(topics: readonly string[], owned: readonly TopicPartition[], generation: number): GroupProtocol[] {
    return this.#assignors.map(({ name, userData }) => ({
      name,
      metadata: encodeSubscription({ topics, userData: userData(this.#last), owned, generation }),
    }))
  }

  /** Returns the members as the leader knows them. @throws ProtocolError if a member's metadata is not a subscription. */
  subscribed(members: readonly MemberMetadata[]): SubscribedMember[] {
    return members.map(({ memberId, groupInstanceId, metadata }) => ({
      memberId,
      instanceId: groupInstanceId ?? null,
      ...decodeSubscription(metadata),
    }))
  }

  /** Assigns the partitions of the group with the assignor that the group has chosen. */
  assign(
    protocol: string,
    members: readonly SubscribedMember[],
    partitionCounts: ReadonlyMap<string, number>,
  ): ReadonlyMap<string, Buffer> {
    const chosen = this.#assignors.find(({ name }) => name === protocol)
    if (chosen === undefined) throw new KafkaError(`the group has chosen assignor ${protocol}, which this member lacks`)
    const assignments = chosen.assign(members, partitionCounts)
    return new Map([...assignments].map(([memberId, partitions]) => [memberId, encodeAssignment(partitions)]))
  }

  /** Returns the member's partitions in a generation, and reports them to later leaders. */
  assigned({ generationId, assignment }: Generation): TopicPartition[] {
    const partitions = decodeAssignment(assignment)
    this.#last = { partitions, generation: generationId }
    return partitions
  }
}
