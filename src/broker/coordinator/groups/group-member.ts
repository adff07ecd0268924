import type { JoinResponse, MemberDetails, MemberProtocol, SyncResponse } from './group-protocol.ts'

/** Returns whether two members announce the same protocols, byte for byte. */
export function sameProtocols(a: readonly MemberProtocol[], b: readonly MemberProtocol[]): boolean {
  return (
    a.length === b.length &&
    a.every((protocol, i) => {
      const other = b[i]
      return other !== undefined && protocol.name === other.name && protocol.metadata.equals(other.metadata)
    })
  )
}

/** Memory of a member besides its strings and bytes, and of each of its protocols. */
const [ownBytes, protocolBytes] = [1024, 128]

/** Returns the bytes of memory that a member takes, without its assignment. */
export function memberBytes(details: Pick<MemberDetails, 'clientId' | 'groupInstanceId' | 'protocols'>): number {
  // The member id repeats one of the two names.
  const texts = 2 * details.clientId.length + 2 * (details.groupInstanceId?.length ?? 0)
  return details.protocols.reduce(
    (sum, { name, metadata }) => sum + protocolBytes + name.length + metadata.length,
    ownBytes + texts,
  )
}

/** A member of a group: its protocols, its assignment, and its requests that wait. */
export class GroupMember {
  details: MemberDetails
  assignment: Buffer = Buffer.alloc(0)
  /** Responds to its JoinGroup. While that waits, the session does not time out. */
  joining: ((response: JoinResponse) => void) | null = null
  /** Responds to its SyncGroup. */
  syncing: ((response: SyncResponse) => void) | null = null
  /** When its session ends unless a request of it arrives. */
  sessionEndsMs: number

  constructor(details: MemberDetails, nowMs: number) {
    this.details = details
    this.sessionEndsMs = nowMs + details.sessionTimeoutMs
  }

  get id(): string {
    return this.details.memberId
  }

  get isStatic(): boolean {
    return this.details.groupInstanceId !== null
  }

  /** Whether one of its requests is parked. */
  get isWaiting(): boolean {
    return this.joining !== null || this.syncing !== null
  }

  get bytes(): number {
    return memberBytes(this.details) + this.assignment.length
  }

  /** Restarts the session timeout, because a request of the member arrived. */
  touch(nowMs: number): void {
    this.sessionEndsMs = nowMs + this.details.sessionTimeoutMs
  }

  metadataFor(protocolName: string | null): Buffer {
    return this.details.protocols.find((protocol) => protocol.name === protocolName)?.metadata ?? Buffer.alloc(0)
  }

  respondJoin(response: JoinResponse): void {
    const respond = this.joining
    this.joining = null
    respond?.(response)
  }

  respondSync(response: SyncResponse): void {
    const respond = this.syncing
    this.syncing = null
    respond?.(response)
  }
}
