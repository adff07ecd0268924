/** What members and groups say to each other: JoinGroup and SyncGroup, whatever their version. */

/** What a member can do, by the name of a way to share the work. Opaque to the broker. */
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

/** The answer to JoinGroup. */
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

/** The answer to SyncGroup. */
export interface SyncResponse {
  readonly errorCode: number
  readonly protocolType: string | null
  readonly protocolName: string | null
  readonly assignment: Buffer
}

/** What a member says of itself when it joins. Times in milliseconds. */
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
  /** The id to give to a member that has none. */
  readonly newMemberId: string
  /** Whether a member without an id has to come again with the one it is given (JoinGroup v4). */
  readonly requiresKnownId: boolean
  /** Whether the answer can tell a leader to skip the assignment (JoinGroup v9). */
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

/** The answer to a JoinGroup that is refused. */
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

/** The answer to a SyncGroup that is refused. */
export function refusedSync(errorCode: number): SyncResponse {
  return { errorCode, protocolType: null, protocolName: null, assignment: Buffer.alloc(0) }
}
