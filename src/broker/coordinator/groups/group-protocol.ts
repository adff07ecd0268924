/** The contents of JoinGroup and SyncGroup, independent of their version. */

/** An assignment protocol that a member supports, and its metadata, which is opaque to the broker. */
export interface MemberProtocol {
  readonly name: string
  readonly metadata: Buffer
}

/** A member as the leader sees it. */
export interface MemberView {
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly metadata: Buffer
}

/** The response to JoinGroup. */
export interface JoinResponse {
  readonly errorCode: number
  readonly generationId: number
  readonly protocolType: string | null
  readonly protocolName: string | null
  readonly leader: string
  readonly skipAssignment: boolean
  readonly memberId: string
  readonly members: readonly MemberView[]
}

/** The response to SyncGroup. */
export interface SyncResponse {
  readonly errorCode: number
  readonly protocolType: string | null
  readonly protocolName: string | null
  readonly assignment: Buffer
}

/** The description that a member sends when it joins. Times in milliseconds. */
export interface MemberDetails {
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  readonly rebalanceTimeoutMs: number
  readonly sessionTimeoutMs: number
  readonly protocols: readonly MemberProtocol[]
}

/** A JoinGroup request. */
export interface JoinRequest extends MemberDetails {
  readonly protocolType: string
  /** The id for a member that has none. */
  readonly newMemberId: string
  /** Whether a member without an id has to join again with the id that it receives (JoinGroup v4, KIP-394). */
  readonly requiresKnownId: boolean
  /** Whether the response can tell a leader to skip the assignment (JoinGroup v9). */
  readonly canSkipAssignment: boolean
}

/** A SyncGroup request. */
export interface SyncRequest {
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly generationId: number
  readonly protocolType: string | null
  readonly protocolName: string | null
  readonly assignments: readonly { readonly memberId: string; readonly assignment: Buffer }[]
}

/** A group as it is stored. */
export interface StoredGroup {
  readonly protocolType: string
  readonly generationId: number
  readonly protocolName: string | null
  readonly leaderId: string | null
  /** Milliseconds of the epoch. */
  readonly stateTimestampMs: number
  readonly members: readonly { readonly details: MemberDetails; readonly assignment: Buffer }[]
}

/** Returns the response to a rejected JoinGroup. */
export function refusedJoin(errorCode: number, memberId: string): JoinResponse {
  return {
    errorCode,
    generationId: -1,
    protocolType: null,
    protocolName: null,
    leader: '',
    skipAssignment: false,
    memberId,
    members: [],
  }
}

/** Returns the response to a rejected SyncGroup. */
export function refusedSync(errorCode: number): SyncResponse {
  return { errorCode, protocolType: null, protocolName: null, assignment: Buffer.alloc(0) }
}
