import { ConnectError, RetriableError } from 'penstock/api'
import { currentTimeline, unknownTimeline, type Line, type ServerLine } from './line.ts'
import { formatLsn } from './lsn.ts'
import { epochOf, firstVersion, lastEpoch } from './row-version.ts'

/** What is known when a connection is made. */
export interface LineCase {
  readonly server: ServerLine
  /** Of the offset that reading goes on from; null when there is none, or when it names no line. */
  readonly stored: Line | null
  /** The furthest position that was captured; null when none was, or when only part of a snapshot was. */
  readonly position: number | null
  /** Whether the position is given up: tables are read. */
  readonly rereads: boolean
  /** Whether somebody asked for that, so that rows of another server are left behind knowingly. */
  readonly asked: boolean
}

export type LineDecision =
  /** The same line: the epoch stays. */
  | { readonly kind: 'same' }
  /** The same line, and tables are read: the epoch stays unless versions lie above the place where the log is read from. */
  | { readonly kind: 'reread' }
  /**
   * Another line, or an unknown one: an epoch above all versions that are known. Of the stored epoch no version may
   * lie past `branch`, where the lines part.
   */
  | { readonly kind: 'next'; readonly branch: number | null }
  /** A standby that has not received all yet. */
  | { readonly kind: 'wait'; readonly problem: string }
  | { readonly kind: 'refuse'; readonly code: string; readonly problem: string }

/** Whether a position means the same on this server (D18). */
export function decideLine({ server, stored, position, rereads, asked }: LineCase): LineDecision {
  if (!asked && stored !== null && stored.system !== server.system) {
    return refusal(
      'PG_OTHER_SERVER',
      `what was captured belongs to the server with system identifier ${stored.system}, and this one is ${server.system}: ` +
        'its log is another, in which the stored position means nothing',
    )
  }
  if (rereads || position === null) {
    const isSame = stored?.system === server.system && stored.timeline === currentTimeline(server)
    return isSame && (position ?? 0) <= server.logEnd ? { kind: 'reread' } : { kind: 'next', branch: null }
  }
  const isKnown = stored !== null && stored.timeline !== unknownTimeline
  if (isKnown && stored.timeline !== currentTimeline(server)) return decideTimeline(server, stored, position)
  if (position > server.logEnd) return behind(server, position)
  return !isKnown ? { kind: 'next', branch: null } : { kind: 'same' }
}

function decideTimeline(server: ServerLine, stored: Line, position: number): LineDecision {
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
      `the stored offset belongs to timeline ${stored.timeline} of the server, and its log, on timeline ${current}, does ` +
        'not come from that one: the server was restored, or another standby was promoted',
    )
  }
  if (position > timeline.end) {
    return refusal(
      'PG_TIMELINE',
      `changes up to ${formatLsn(position)} were captured, and the server's timeline ${current} branched off at ` +
        `${formatLsn(timeline.end)}: it was promoted or restored without the changes between, which sinks hold`,
    )
  }
  if (position > server.logEnd) return behind(server, position)
  return { kind: 'next', branch: timeline.end }
}

function numberOf(timeline: string): number {
  return Number.parseInt(timeline, 10)
}

function behind(server: ServerLine, position: number): LineDecision {
  const where = `changes up to ${formatLsn(position)} were captured, and the log of the server ends at ${formatLsn(server.logEnd)}`
  if (server.standby) return { kind: 'wait', problem: where }
  return refusal('PG_LOG_BEHIND', `${where}: it was restored from a backup, or its log was reset`)
}

function refusal(code: string, problem: string): LineDecision {
  return { kind: 'refuse', code, problem }
}

/** @throws RetriableError, ConnectError when reading cannot continue. @param advice how to read everything again. */
export function enforce(decision: LineDecision, advice: string): void {
  if (decision.kind === 'wait') {
    throw new RetriableError(`${decision.problem}: waiting for the standby to catch up`, { code: 'PG_STANDBY_BEHIND' })
  }
  if (decision.kind === 'refuse') {
    throw new ConnectError(`${decision.problem}. Nothing was read. ${advice}`, { code: decision.code })
  }
}

/** What is known of the versions that were given out. */
export interface KnownVersions {
  /** Of the stored offset; 0 when none is known. */
  readonly epoch: number
  /** The highest one in the topics; null when they hold none, or were not read. */
  readonly highest: bigint | null
}

/**
 * The epoch of what is read from now on. @param position where the log is read from.
 * @throws ConnectError PG_EPOCH, PG_TIMELINE
 */
export function epochFor(decision: LineDecision, known: KnownVersions, position: number): number {
  const { epoch, highest } = known
  if (decision.kind === 'same') return epoch
  if (decision.kind === 'reread' && (highest === null || highest <= firstVersion(epoch, position))) return epoch
  const next = Math.max(epoch, highest === null ? 0 : epochOf(highest)) + 1
  if (next <= lastEpoch) return next
  throw new ConnectError(
    `the origin of the row versions has changed ${lastEpoch} times, and versions have no room for more. Set topic.prefix ` +
      'to another name, which begins topics of its own; sinks need new indices for them.',
    { code: 'PG_EPOCH' },
  )
}

/**
 * Whether the topics hold versions of the stored epoch that this server's log never had: more was captured than the stored
 * offset says.
 */
export function isPastBranch(decision: LineDecision, known: KnownVersions): boolean {
  if (decision.kind !== 'next' || decision.branch === null || known.highest === null) return false
  return known.highest >= firstVersion(known.epoch, decision.branch) && epochOf(known.highest) === known.epoch
}
