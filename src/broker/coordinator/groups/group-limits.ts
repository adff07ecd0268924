import type { Clock } from '../../../foundation/clock.ts'
import type { Conditions } from '../../../foundation/metrics/conditions.ts'
import type { LogStreaks } from '../../../foundation/logging/log-streaks.ts'
import { errorCodes } from '../../../protocol/error-codes.ts'
import { isThisMachine } from '../../server/connection-admission.ts'
import { offsetBytes, type CommittedOffsets } from '../offsets/committed-offsets.ts'
import type { CoordinatorConfig } from '../coordinator-config.ts'
import { memberBytes } from './group-member.ts'
import type { JoinRequest } from './group-protocol.ts'
import type { Group } from './group.ts'

/*
 * What clients may make the coordinator keep. Kafka bounds the size of a group alone; here everything that a member, a group or
 * a committed offset takes is counted against one budget. What is kept stays kept: a member that is there joins again, an offset
 * that is there is committed again, whatever others hold. Only what would be added is refused, with a code that clients retry.
 */

/** What {@link GroupLimits} lives on. */
export interface GroupLimitsOptions {
  readonly config: Pick<CoordinatorConfig, 'maxBytes' | 'maxGroupSize'>
  readonly offsets: CommittedOffsets
  readonly clock: Clock
  readonly conditions: Conditions
  readonly streaks: LogStreaks
}

/** Somebody who wants something added. */
export interface Asker {
  readonly clientId: string
  /** As Kafka shows it: `/127.0.0.1`. */
  readonly clientHost: string
}

/** The condition of a full memory. */
export const groupMemoryFull = 'GROUP_MEMORY_FULL'
/** A group, before its members. */
const groupBytes = 2048
/** Ways to share work that a member may know; every one is compared with those of every other member. Clients know three or so. */
const maxProtocols = 100
/** The part of the memory that clients of other machines leave, and the part that large members leave to small ones. */
const [keptForThisMachine, keptForSmall] = [1 / 8, 1 / 4]
const smallBytes = 64 * 1024
/** The condition stands so long at least, and is over when this part of the memory is free. */
const [lookAfterMs, enoughFree] = [60_000, 1 / 8]

/** How much groups and offsets take, and what may be added. */
export class GroupLimits {
  readonly #options: GroupLimitsOptions
  readonly #groups = new Map<Group, number>()
  #groupBytes = 0
  /** By commits that are being written. */
  #takenBytes = 0
  #stopLooking: (() => void) | null = null

  constructor(options: GroupLimitsOptions) {
    this.#options = options
  }

  /** Bytes, of groups and committed offsets. */
  get usedBytes(): number {
    return this.#groupBytes + this.#takenBytes + this.#options.offsets.bytes
  }

  /** Why a JoinGroup is refused; `NONE` when it is not. */
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

  /** Why a SyncGroup with assignments for the members is refused; `NONE` when it is not. */
  faultOfSync(group: Group, assignments: readonly { readonly assignment: Buffer }[], asker: Asker): number {
    const former = group.roster.all().reduce((sum, { assignment }) => sum + assignment.length, 0)
    const given = assignments.reduce((sum, { assignment }) => sum + assignment.length, 0)
    return this.#faultOf(given - former, `group ${group.id}`, asker)
  }

  /**
   * Takes what a commit adds, before it is written.
   * @returns what gives it back, once it is written and counted as offsets or has failed; null when it is refused.
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

  /** Counts a group that may have changed. */
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
    const text = `groups and committed offsets take the memory they may (${config.maxBytes} bytes); nothing is added. ${advice}`
    conditions.raise(groupMemoryFull, text)
    this.#stopLooking ??= clock.every(lookAfterMs, () => this.#look())
    this.#refuse('group memory', asker, `${groupMemoryFull}: ${what} gets nothing more; ${more} bytes were asked for`)
    return errorCodes.COORDINATOR_NOT_AVAILABLE
  }

  #limitFor(bytes: number, { clientHost }: Asker): number {
    const kept = (isThisMachine(clientHost.slice(1)) ? 0 : keptForThisMachine) + (bytes > smallBytes ? keptForSmall : 0)
    return this.#options.config.maxBytes * (1 - kept)
  }

  #look(): void {
    const { config, conditions } = this.#options
    if (this.usedBytes > config.maxBytes * (1 - enoughFree)) return
    this.close()
    conditions.withdraw(groupMemoryFull)
  }

  #refuse(kind: string, { clientId, clientHost }: Asker, why: string): void {
    this.#options.streaks.log('warn', { kind, client: clientHost.slice(1) }, `a group request was refused: ${why}`, {
      clientId,
    })
  }
}

/** Members that are there keep their place, also where `group.max.size` was lowered since. */
function hasPlace(
  { roster }: Group,
  { memberId, groupInstanceId }: Omit<JoinRequest, 'newMemberId'>,
  most: number,
): boolean {
  const isThere = roster.members.has(memberId) || roster.staticMember(groupInstanceId) !== undefined
  return isThere || roster.members.size < most
}
