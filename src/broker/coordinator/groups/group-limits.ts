import type { Clock } from '../../../foundation/clock.ts'
import type { Conditions } from '../../../foundation/metrics/conditions.ts'
import type { LogStreaks } from '../../../foundation/logging/log-streaks.ts'
import { errorCodes } from '../../../protocol/error-codes.ts'
import { isLoopback } from '../../../foundation/network/listen-address.ts'
import { offsetBytes, type CommittedOffsets } from '../offsets/committed-offsets.ts'
import type { CoordinatorConfig } from '../coordinator-config.ts'
import { memberBytes } from './group-member.ts'
import type { JoinRequest } from './group-protocol.ts'
import type { Group } from './group.ts'

/*
 * Limits the memory that clients use in the coordinator (I10). Kafka limits only the size of a group; here every member, group
 * and committed offset counts against one budget. Existing members and offsets are never dropped: a member can join again, and
 * an offset can be committed again, however full the budget is. Only additions are rejected, with a code that clients retry.
 */

/** The options of {@link GroupLimits}. */
export interface GroupLimitsOptions {
  readonly config: Pick<CoordinatorConfig, 'maxBytes' | 'maxGroupSize'>
  readonly offsets: CommittedOffsets
  readonly clock: Clock
  readonly conditions: Conditions
  readonly streaks: LogStreaks
}

/** The client that sent a request. */
export interface Asker {
  readonly clientId: string
  /** As Kafka shows it: `/127.0.0.1`. */
  readonly clientHost: string
}

/** The condition of a full memory. */
export const groupMemoryFull = 'GROUP_MEMORY_FULL'
/** A group, before its members. */
const groupBytes = 2048
/** Maximum protocols of a member: each is compared with those of every other member. Clients list about three. */
const maxProtocols = 100
/** The part of the memory reserved for clients on this machine, and the part reserved for small members. */
const [keptForThisMachine, keptForSmall] = [1 / 8, 1 / 4]
const smallBytes = 64 * 1024
/** The minimum duration of the condition, and the part of the memory that has to be free before it ends. */
const [lookAfterMs, enoughFree] = [60_000, 1 / 8]

/** Counts the memory of groups and offsets, and decides what may be added. */
export class GroupLimits {
  readonly #options: GroupLimitsOptions
  readonly #groups = new Map<Group, number>()
  #groupBytes = 0
  /** Memory of commits in flight. */
  #takenBytes = 0
  #stopLooking: (() => void) | null = null

  constructor(options: GroupLimitsOptions) {
    this.#options = options
  }

  /** Bytes used by groups and committed offsets. */
  get usedBytes(): number {
    return this.#groupBytes + this.#takenBytes + this.#options.offsets.bytes
  }

  /** Returns the error code for a JoinGroup; `NONE` when there is memory for it. */
  faultOfJoin(groupId: string, group: Group | undefined, request: Omit<JoinRequest, 'newMemberId'>): number {
    const { maxGroupSize } = this.#options.config
    if (request.protocols.length > maxProtocols) {
      const why = `a member of group ${groupId} lists ${request.protocols.length} protocols; the limit is ${maxProtocols}`
      this.#refuse('group protocols', request, why)
      return errorCodes.INVALID_REQUEST
    }
    if (group !== undefined && !hasPlace(group, request, maxGroupSize)) {
      this.#refuse('group size', request, `group ${groupId} has ${maxGroupSize} members (group.max.size)`)
      return errorCodes.GROUP_MAX_SIZE_REACHED
    }
    const former = group?.roster.get(request.memberId) ?? group?.roster.staticMember(request.groupInstanceId)
    const more = memberBytes(request) + (group === undefined ? groupBytes + groupId.length : 0)
    return this.#faultOf(more - (former === undefined ? 0 : memberBytes(former.details)), `group ${groupId}`, request)
  }

  /** Returns the error code for a SyncGroup with assignments; `NONE` when there is memory for it. */
  faultOfSync(group: Group, assignments: readonly { readonly assignment: Buffer }[], asker: Asker): number {
    const former = group.roster.all().reduce((sum, { assignment }) => sum + assignment.length, 0)
    const given = assignments.reduce((sum, { assignment }) => sum + assignment.length, 0)
    return this.#faultOf(given - former, `group ${group.id}`, asker)
  }

  /**
   * Reserves the memory of a commit before it is written.
   * @returns a function that releases it, when the offsets are counted or the commit has failed; null when it is rejected.
   */
  takeForCommit(
    groupId: string,
    isNew: boolean,
    offsets: readonly { readonly topic: string; readonly partition: number; readonly metadata: string }[],
    asker: Asker,
  ): (() => void) | null {
    const { offsets: committed } = this.#options
    const more = offsets.reduce((sum, offset) => {
      const former = committed.get(groupId, offset.topic, offset.partition)
      return sum + offsetBytes(offset.topic, offset) - (former === undefined ? 0 : offsetBytes(offset.topic, former))
    }, 0)
    const withGroup = more + (isNew ? groupBytes + groupId.length : 0)
    if (this.#faultOf(withGroup, `group ${groupId}`, asker) !== errorCodes.NONE) return null
    const taken = Math.max(more, 0)
    this.#takenBytes += taken
    return () => {
      this.#takenBytes -= taken
    }
  }

  /** Updates the count for a group that may have changed. */
  count(group: Group): void {
    const bytes = groupBytes + group.id.length + group.roster.bytes
    this.#groupBytes += bytes - (this.#groups.get(group) ?? 0)
    this.#groups.set(group, bytes)
  }

  forget(group: Group): void {
    this.#groupBytes -= this.#groups.get(group) ?? 0
    this.#groups.delete(group)
  }

  close(): void {
    this.#stopLooking?.()
    this.#stopLooking = null
  }

  #faultOf(more: number, what: string, asker: Asker): number {
    if (more <= 0 || this.usedBytes + more <= this.#limitFor(more, asker)) return errorCodes.NONE
    const { config, conditions, clock } = this.#options
    const advice =
      'Raise group.coordinator.max.bytes, or delete groups that are not needed (kafka-consumer-groups --delete)'
    const text = `groups and committed offsets use all of their memory (${config.maxBytes} bytes); additions are rejected. ${advice}`
    conditions.raise(groupMemoryFull, text)
    this.#stopLooking ??= clock.every(lookAfterMs, () => this.#look())
    this.#refuse('group memory', asker, `${groupMemoryFull}: no memory for ${more} more bytes of ${what}`)
    return errorCodes.COORDINATOR_NOT_AVAILABLE
  }

  #limitFor(bytes: number, { clientHost }: Asker): number {
    const kept = (isLoopback(clientHost.slice(1)) ? 0 : keptForThisMachine) + (bytes > smallBytes ? keptForSmall : 0)
    return this.#options.config.maxBytes * (1 - kept)
  }

  #look(): void {
    const { config, conditions } = this.#options
    if (this.usedBytes > config.maxBytes * (1 - enoughFree)) return
    this.close()
    conditions.withdraw(groupMemoryFull)
  }

  #refuse(kind: string, { clientId, clientHost }: Asker, why: string): void {
    this.#options.streaks.log('warn', { kind, client: clientHost.slice(1) }, `rejected a group request: ${why}`, {
      clientId,
    })
  }
}

/** Existing members keep their place, also after `group.max.size` was lowered. */
function hasPlace(
  { roster }: Group,
  { memberId, groupInstanceId }: Omit<JoinRequest, 'newMemberId'>,
  most: number,
): boolean {
  const isThere = roster.members.has(memberId) || roster.staticMember(groupInstanceId) !== undefined
  return isThere || roster.members.size < most
}
