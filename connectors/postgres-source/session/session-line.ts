import type { SourceOffset } from 'penstock/api'
import {
  decideLine,
  enforce,
  epochFor,
  isPastBranch,
  type KnownVersions,
  type LineDecision,
} from '../offsets/line-decision.ts'
import { currentTimeline, type Line, type ServerLine } from '../offsets/line.ts'
import { furthest, lineOf } from '../offsets/offset.ts'
import { firstVersion } from '../offsets/row-version.ts'

/** Reads the highest row version in the connector's topics; null when there is none. */
export type HighestVersion = () => Promise<bigint | null>

/** The server's WAL lineage compared with that of the stored offset. */
export interface LineFinding {
  readonly server: ServerLine
  readonly decision: LineDecision
  readonly known: KnownVersions
}

/** How a session starts. */
export interface LineOptions {
  /** Whether a snapshot reads the tables, and whether the user requested it (`snapshot.mode` `always`). */
  readonly rereads: boolean
  readonly asked: boolean
  /** The lineage of the session before, for a reconnect without an offset. */
  readonly previous: Line | null
  /** Tells the user how to read all tables again. */
  readonly advice: string
  readonly highest: HighestVersion
}

/**
 * Compares the server's WAL lineage with that of the stored offset. Reads the highest version from the topics where the
 * epoch depends on it.
 * @throws ConnectError PG_OTHER_SERVER, PG_TIMELINE, PG_LOG_BEHIND; RetriableError PG_STANDBY_BEHIND
 */
export async function findLine(
  server: ServerLine,
  offset: SourceOffset | null,
  options: LineOptions,
): Promise<LineFinding> {
  const stored = offset === null ? options.previous : lineOf(offset)
  const position = offset === null ? null : furthest(offset)
  const decision = decideLine({ server, stored, position, rereads: options.rereads, asked: options.asked })
  enforce(decision, options.advice)
  if (decision.kind === 'same') return { server, decision, known: { epoch: stored?.epoch ?? 1, highest: null } }
  const inTopics = await options.highest()
  const inOffset = position === null ? null : versionOf(position, stored)
  enforce(pastBranch(decision, { epoch: stored?.epoch ?? 0, highest: inTopics }), options.advice)
  return { server, decision, known: { epoch: stored?.epoch ?? 0, highest: higher(inTopics, inOffset) } }
}

/** The version of a record at this position. In the layout without epochs it is the position × 1024. */
function versionOf(position: number, line: Line | null): bigint {
  return line === null ? BigInt(position) * 1024n : firstVersion(line.epoch, position)
}

function pastBranch(decision: LineDecision, known: KnownVersions): LineDecision {
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
export function lineFrom({ server, decision, known }: LineFinding, position: number): Line {
  return {
    system: server.system,
    timeline: currentTimeline(server),
    epoch: epochFor(decision, known, position),
  }
}
