import type { SourceOffset } from 'penstock/api'
import {
  decideLineage,
  enforceDecision,
  epochFor,
  isPastBranch,
  type KnownVersions,
  type LineageDecision,
} from '../offsets/lineage-decision.ts'
import { lastCapturedLsn } from '../offsets/resume-point.ts'
import { firstVersion } from '../offsets/row-version.ts'
import { lineageOf } from '../offsets/source-offset.ts'
import { currentTimeline, type WalLineage, type ServerLineage } from '../offsets/wal-lineage.ts'

/** Reads the highest row version in the connector's topics; null when there is none. */
export type HighestVersion = () => Promise<bigint | null>

/** The server's WAL lineage compared with that of the stored offset. */
export interface LineageCheck {
  readonly server: ServerLineage
  readonly decision: LineageDecision
  readonly known: KnownVersions
}

/** The inputs of {@link checkLineage}. */
export interface LineageCheckOptions {
  /** Whether a snapshot reads the tables, and whether the user requested it (`snapshot.mode` `always`). */
  readonly rereads: boolean
  readonly requested: boolean
  /** The lineage of the session before, for a reconnect without an offset. */
  readonly previous: WalLineage | null
  /** Tells the user how to read all tables again. */
  readonly advice: string
  readonly highest: HighestVersion
}

/**
 * Compares the server's WAL lineage with that of the stored offset. Reads the highest version from the topics where the
 * epoch depends on it.
 * @throws ConnectError PG_OTHER_SERVER, PG_TIMELINE, PG_LOG_BEHIND; RetriableError PG_STANDBY_BEHIND
 */
export async function checkLineage(
  server: ServerLineage,
  offset: SourceOffset | null,
  options: LineageCheckOptions,
): Promise<LineageCheck> {
  const stored = offset === null ? options.previous : lineageOf(offset)
  const position = offset === null ? null : lastCapturedLsn(offset)
  const decision = decideLineage({ server, stored, position, rereads: options.rereads, requested: options.requested })
  enforceDecision(decision, options.advice)
  if (decision.kind === 'same') return { server, decision, known: { epoch: stored?.epoch ?? 1, highest: null } }
  const inTopics = await options.highest()
  const inOffset = position === null ? null : versionOf(position, stored)
  enforceDecision(pastBranch(decision, { epoch: stored?.epoch ?? 0, highest: inTopics }), options.advice)
  return { server, decision, known: { epoch: stored?.epoch ?? 0, highest: higher(inTopics, inOffset) } }
}

/** The version of a record at this position. In the layout without epochs it is the position × 1024. */
function versionOf(position: number, lineage: WalLineage | null): bigint {
  return lineage === null ? BigInt(position) * 1024n : firstVersion(lineage.epoch, position)
}

function pastBranch(decision: LineageDecision, known: KnownVersions): LineageDecision {
  if (!isPastBranch(decision, known)) return decision
  const problem =
    'the topics hold changes that were captured after the timeline of the server branched off: the server was promoted without them'
  return { kind: 'refuse', code: 'PG_TIMELINE', problem }
}

function higher(a: bigint | null, b: bigint | null): bigint | null {
  if (a === null || b === null) return a ?? b
  return a > b ? a : b
}

/** The lineage of everything that is read from `position` on. @throws ConnectError PG_EPOCH */
export function lineageFrom({ server, decision, known }: LineageCheck, position: number): WalLineage {
  return {
    system: server.system,
    timeline: currentTimeline(server),
    epoch: epochFor(decision, known, position),
  }
}
