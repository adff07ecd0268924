/** An assignment protocol that a member supports, with its metadata for the leader. */
export interface GroupProtocol {
  readonly name: string
  readonly metadata: Buffer
}

/** A member and its metadata, for the leader. */
export interface MemberMetadata {
  readonly memberId: string
  /** The identity of a static member; null or absent for a dynamic one. */
  readonly groupInstanceId?: string | null
  readonly metadata: Buffer
}

/** A generation of the group, which ends with the next rebalance. */
export interface Generation {
  readonly generationId: number
  readonly memberId: string
  readonly instanceId: string | null
  readonly leaderId: string
  readonly isLeader: boolean
  /** The protocol that the coordinator chose. */
  readonly protocol: string
  /** The assignment of this member; empty if it has none. */
  readonly assignment: Buffer
}

/** How to join a group. */
export interface GroupMemberOptions {
  readonly groupId: string
  /** `consumer` or `connect`. */
  readonly protocolType: string
  /**
   * The identity of a static member (KIP-345): who joins with it takes the place of an earlier member with the same one, which is
   * fenced. Null, the default: a dynamic member.
   */
  readonly instanceId?: string | null
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  readonly heartbeatIntervalMs: number
  /** Returns the supported protocols for a join, in order of preference. */
  readonly protocols: () => readonly GroupProtocol[]
  /** Assigns the work; called only on the leader, with its own id. Members that are missing in the result get an empty assignment. */
  readonly assign: (
    protocol: string,
    members: readonly MemberMetadata[],
    memberId: string,
  ) => Promise<ReadonlyMap<string, Buffer>> | ReadonlyMap<string, Buffer>
  /** Whether the owner keeps its work while it joins: then `join` throws when the membership ends meanwhile. */
  readonly keepsWork?: boolean
  /** A rebalance has begun (`lost` false: the assignment stays valid until the join), or the membership is gone. */
  readonly onRejoinNeeded: (reason: string, lost: boolean) => void
  /**
   * The coordinator has responded, and knows the member for at least `sessionMs` more: it counts the session from the request, and
   * removes a member that a rebalance has waited for. With it, heartbeats continue while a join waits for other members.
   */
  readonly onAlive?: (sessionMs: number) => void
  /** A join or a heartbeat failed, with its error, and is retried; null when the coordinator responded. Must not throw. */
  readonly onReached?: (error: Error | null) => void
}
