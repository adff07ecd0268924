import { ConnectError, RetriableError } from 'penstock/api'
import { formatLsn } from './lsn.ts'
import { epochOf, firstVersion, lastEpoch } from './row-version.ts'
import { currentTimeline, unknownTimeline, type WalLineage, type ServerLineage } from './wal-lineage.ts'

/** The facts that {@link decideLineage} depends on. */
export interface LineageInput {
  readonly server: ServerLineage
  /** The lineage of the stored offset; null when there is no offset, or when it has no lineage. */
  readonly stored: WalLineage | null
  /** The last captured position; null when there is none, or only a part of a snapshot. */
  readonly position: number | null
  /** Whether the position is discarded because a snapshot reads the tables. */
  readonly rereads: boolean
  /** Whether the user requested the snapshot, and so accepts that rows of another server are left behind. */
  readonly requested: boolean
}

export type LineageDecision =
  /** The same lineage: the epoch stays. */
  | { readonly kind: 'same' }
  /** The same lineage and a snapshot: the epoch stays unless higher versions than that of the start position exist. */
  | { readonly kind: 'reread' }
  /**
   * Another or an unknown lineage: the epoch becomes higher than that of all known versions. No version of the stored
   * epoch may lie past `branch`, where the timelines part.
   */
  | { readonly kind: 'next'; readonly branch: number | null }
  /** The server is a standby that has not received everything yet. */
  | { readonly kind: 'wait'; readonly problem: string }
  | { readonly kind: 'refuse'; readonly code: string; readonly problem: string }

/** Decides whether a stored position is valid on this server (docs/decisions/0018-lines-and-epochs.md). */
export function decideLineage({ server, stored, position, rereads, requested }: LineageInput): LineageDecision {
  if (!requested && stored !== null && stored.system !== server.system) {
    return refusal(
      'PG_OTHER_SERVER',
      `the stored offset belongs to the server with system identifier ${stored.system}, and this server is ${server.system}: ` +
        'the stored position is not valid in its WAL',
    )
  }
  if (rereads || position === null) {
    const isSame = stored?.system === server.system && stored.timeline === currentTimeline(server)
    return isSame && (position ?? 0) <= server.walEnd ? { kind: 'reread' } : { kind: 'next', branch: null }
  }
  const isKnown = stored !== null && stored.timeline !== unknownTimeline
  if (isKnown && stored.timeline !== currentTimeline(server)) return decideTimeline(server, stored, position)
  if (position > server.walEnd) return behind(server, position)
  return !isKnown ? { kind: 'next', branch: null } : { kind: 'same' }
}

function decideTimeline(server: ServerLineage, stored: WalLineage, position: number): LineageDecision {
  const timeline = server.timelines.find(({ name }) => name === stored.timeline)
  const current = currentTimeline(server)
  if (timeline === undefined) {
    if (server.standby && numberOf(stored.timeline) > numberOf(current)) {
      return {
        kind: 'wait',
        problem: `the standby is on timeline ${current}, and the stored offset on ${stored.timeline}`,
      }
    }
    return refusal(
      'PG_TIMELINE',
      `the stored offset belongs to timeline ${stored.timeline} of the server, and its WAL, on timeline ${current}, does ` +
        'not descend from that timeline: the server was restored, or another standby was promoted',
    )
  }
  if (position > timeline.end) {
    return refusal(
      'PG_TIMELINE',
      `changes up to ${formatLsn(position)} were captured, and the server's timeline ${current} branched off at ` +
        `${formatLsn(timeline.end)}: it was promoted or restored without the changes in between, which sinks hold`,
    )
  }
  if (position > server.walEnd) return behind(server, position)
  return { kind: 'next', branch: timeline.end }
}

function numberOf(timeline: string): number {
  return Number.parseInt(timeline, 10)
}

function behind(server: ServerLineage, position: number): LineageDecision {
  const where = `changes up to ${formatLsn(position)} were captured, and the WAL of the server ends at ${formatLsn(server.walEnd)}`
  if (server.standby) return { kind: 'wait', problem: where }
  return refusal('PG_LOG_BEHIND', `${where}: it was restored from a backup, or its WAL was reset`)
}

function refusal(code: string, problem: string): LineageDecision {
  return { kind: 'refuse', code, problem }
}

/** @throws RetriableError, ConnectError when reading cannot continue. @param advice how to read all tables again. */
export function enforceDecision(decision: LineageDecision, advice: string): void {
  if (decision.kind === 'wait') {
    throw new RetriableError(`${decision.problem}: waiting for the standby to catch up`, { code: 'PG_STANDBY_BEHIND' })
  }
  if (decision.kind === 'refuse') {
    throw new ConnectError(`${decision.problem}. Nothing was read. ${advice}`, { code: decision.code })
  }
}

/** The row versions in use. */
export interface KnownVersions {
  /** The epoch of the stored offset; 0 when there is none. */
  readonly epoch: number
  /** The highest version in the topics; null when they hold none or were not read. */
  readonly highest: bigint | null
}

/**
 * Returns the epoch of everything that is read from now on.
 * @param position where the WAL is read from
 * @throws ConnectError PG_EPOCH, PG_TIMELINE
 */
export function epochFor(decision: LineageDecision, known: KnownVersions, position: number): number {
  const { epoch, highest } = known
  if (decision.kind === 'same') return epoch
  if (decision.kind === 'reread' && (highest === null || highest <= firstVersion(epoch, position))) return epoch
  const next = Math.max(epoch, highest === null ? 0 : epochOf(highest)) + 1
  if (next <= lastEpoch) return next
  throw new ConnectError(
    `the row version epoch is ${lastEpoch}, the highest one: the database has moved that many times. Set topic.prefix ` +
      'to another name, which creates new topics; sinks need new indices for them.',
    { code: 'PG_EPOCH' },
  )
}

/**
 * Returns whether the topics hold versions of the stored epoch that the server's WAL never had: more was captured than
 * the stored offset says.
 */
export function isPastBranch(decision: LineageDecision, known: KnownVersions): boolean {
  if (decision.kind !== 'next' || decision.branch === null || known.highest === null) return false
  return known.highest >= firstVersion(known.epoch, decision.branch) && epochOf(known.highest) === known.epoch
}
