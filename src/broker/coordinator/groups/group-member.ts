import type { JoinResponse, MemberDetails, MemberProtocol, SyncResponse } from './group-protocol.ts'

/** Whether two members announce the same, byte for byte. */
export function sameProtocols(a: readonly MemberProtocol[], b: readonly MemberProtocol[]): boolean {
  return (
    a.length === b.length &&
    a.every((protocol, i) => {
      const other = b[i]
      return other !== undefined && protocol.name === other.name && protocol.metadata.equals(other.metadata)
    })
  )
}

/** What a member takes in memory besides its texts and bytes, and each protocol that it knows. */
const [ownBytes, protocolBytes] = [1024, 128]

/** Bytes that a member takes in memory, without its assignment. */
export function memberBytes(details: Pick<MemberDetails, 'clientId' | 'groupInstanceId' | 'protocols'>): number {
  // Its id repeats one of the two names.
  const texts = 2 * details.clientId.length + 2 * (details.groupInstanceId?.length ?? 0)
  return details.protocols.reduce(
    (sum, { name, metadata }) => sum + protocolBytes + name.length + metadata.length,
    ownBytes + texts,
  )
}

/** A member of a group: what it said, what it was given, and which of its requests wait. */
export class GroupMember {
  details: MemberDetails
  assignment: Buffer = Buffer.alloc(0)
  /** Answers its JoinGroup; while it waits, the session does not run out. */
  joining: ((answer: JoinResponse) => void) | null = null
  /** Answers its SyncGroup. */
  syncing: ((answer: SyncResponse) => void) | null = null
  /** When its session ends unless it is heard of. */
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

  /** It was heard of. */
  touch(nowMs: number): void {
    this.sessionEndsMs = nowMs + this.details.sessionTimeoutMs
  }

  metadataFor(protocolName: string | null): Buffer {
    return this.details.protocols.find((protocol) => protocol.name === protocolName)?.metadata ?? Buffer.alloc(0)
  }

  respondJoin(answer: JoinResponse): void {
    const answerTo = this.joining
    this.joining = null
    answerTo?.(answer)
  }

  respondSync(answer: SyncResponse): void {
    const answerTo = this.syncing
    this.syncing = null
    answerTo?.(answer)
  }
}
