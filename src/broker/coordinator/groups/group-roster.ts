import { errorCodes } from '../../../protocol/error-codes.ts'
import type { GroupMember } from './group-member.ts'
import type { MemberProtocol, MemberView } from './group-protocol.ts'

/** Memory of a member id that was assigned and not yet used. */
const announcedBytes = 512

/** The members of a group, by member id and by instance id, its leader, and the member ids that were assigned but not yet used. */
export class GroupRoster {
  readonly members = new Map<string, GroupMember>()
  /** Member ids that were assigned and not yet used (KIP-394), with the time when they expire. */
  readonly announced = new Map<string, number>()
  leaderId: string | null = null
  readonly #byInstance = new Map<string, string>()

  get isEmpty(): boolean {
    return this.members.size === 0
  }

  /** Memory of all members. */
  get bytes(): number {
    let sum = this.announced.size * announcedBytes
    for (const member of this.members.values()) sum += member.bytes
    return sum
  }

  get(memberId: string): GroupMember | undefined {
    return this.members.get(memberId)
  }

  all(): GroupMember[] {
    return [...this.members.values()]
  }

  add(member: GroupMember): void {
    this.members.set(member.id, member)
    if (member.details.groupInstanceId !== null) this.#byInstance.set(member.details.groupInstanceId, member.id)
  }

  /** Removes a member. If it was the leader, a member that joined becomes the leader, else any member. */
  remove(member: GroupMember): void {
    this.members.delete(member.id)
    const { groupInstanceId } = member.details
    if (groupInstanceId !== null && this.#byInstance.get(groupInstanceId) === member.id) {
      this.#byInstance.delete(groupInstanceId)
    }
    if (this.leaderId === member.id) this.leaderId = this.#firstJoined() ?? this.members.keys().next().value ?? null
  }

  /** Replaces the former instance of a static member. */
  replace(former: GroupMember, member: GroupMember): void {
    this.members.delete(former.id)
    this.add(member)
    if (this.leaderId === former.id) this.leaderId = member.id
  }

  idOfInstance(groupInstanceId: string): string | undefined {
    return this.#byInstance.get(groupInstanceId)
  }

  staticMember(groupInstanceId: string | null): GroupMember | undefined {
    return groupInstanceId === null ? undefined : this.members.get(this.#byInstance.get(groupInstanceId) ?? '')
  }

  /** Returns the error code for a request with this identity: unknown member, or a fenced instance of a static member. */
  faultOf(memberId: string, groupInstanceId: string | null): number {
    if (groupInstanceId === null) {
      return this.members.has(memberId) ? errorCodes.NONE : errorCodes.UNKNOWN_MEMBER_ID
    }
    const current = this.#byInstance.get(groupInstanceId)
    if (current === undefined) return errorCodes.UNKNOWN_MEMBER_ID
    return current === memberId ? errorCodes.NONE : errorCodes.FENCED_INSTANCE_ID
  }

  /** Returns whether all expected members wait in a JoinGroup. */
  allJoined(): boolean {
    return this.announced.size === 0 && this.all().every((member) => member.joining !== null)
  }

  /** Elects a member that joined as the leader, unless the leader did. */
  electJoinedLeader(): void {
    const leader = this.members.get(this.leaderId ?? '')
    if (leader === undefined || leader.joining === null) this.leaderId = this.#firstJoined()
  }

  /** Returns whether all members except `memberId` know one of these protocols. */
  shares(memberId: string, protocols: readonly MemberProtocol[]): boolean {
    const others = this.all().filter((member) => member.id !== memberId)
    return protocols.some(({ name }) => others.every((other) => knows(other, name)))
  }

  /** Selects a protocol as Kafka does: each member votes for the first one on its list that all members know. */
  vote(): string | null {
    const members = this.all()
    const votes = new Map<string, number>()
    for (const { details } of members) {
      const choice = details.protocols.find(({ name }) => members.every((one) => knows(one, name)))
      if (choice !== undefined) votes.set(choice.name, (votes.get(choice.name) ?? 0) + 1)
    }
    return [...votes].sort((a, b) => b[1] - a[1])[0]?.[0] ?? null
  }

  /** The largest rebalance timeout of the members. */
  rebalanceTimeoutMs(): number {
    return Math.max(0, ...this.all().map((member) => member.details.rebalanceTimeoutMs))
  }

  assignments(): Map<string, Buffer> {
    return new Map([...this.members].map(([id, member]) => [id, member.assignment]))
  }

  views(protocolName: string | null): MemberView[] {
    return this.all().map((member) => ({
      memberId: member.id,
      groupInstanceId: member.details.groupInstanceId,
      metadata: member.metadataFor(protocolName),
    }))
  }

  #firstJoined(): string | null {
    for (const member of this.members.values()) if (member.joining !== null) return member.id
    return null
  }
}

function knows(member: GroupMember, name: string): boolean {
  return member.details.protocols.some((protocol) => protocol.name === name)
}
