import { ConnectError } from 'penstock/api'
import type { PgConnection } from '../connection/pg-connection.ts'
import { codeOf } from '../connection/pg-error.ts'
import { formatLsn, parseLsn } from './lsn.ts'

/**
 * Identifies a history of WAL: positions are comparable only within one. Each cluster has its own system identifier. The
 * promotion of a standby and a point-in-time recovery start a new timeline. The epoch counts how often the origin of the
 * row versions changed.
 * @see https://www.postgresql.org/docs/current/continuous-archiving.html#BACKUP-TIMELINES
 */
export interface WalLineage {
  /** A 64-bit number as text. */
  readonly system: string
  /** `1`, or number and start as `2@0/3000060`: two promoted standbys may choose the same number. */
  readonly timeline: string
  /** 1 or higher. */
  readonly epoch: number
}

/** Before the server has identified itself. */
export const unknownLineage: WalLineage = { system: '', timeline: '', epoch: 0 }

/** A server's description of its WAL. */
export interface ServerLineage {
  readonly system: string
  readonly timelines: readonly Timeline[]
  /** The end of its WAL; on a standby, of the WAL that it has received. */
  readonly walEnd: number
  readonly standby: boolean
}

/** A timeline in the history of the server's WAL. */
export interface Timeline {
  readonly name: string
  /** The LSN where the next timeline branches off; infinity for the last one. */
  readonly end: number
}

/**
 * @param replication a replication connection
 * @see https://www.postgresql.org/docs/current/protocol-replication.html
 */
export async function identifySystem(
  replication: Pick<PgConnection, 'query'>,
  standby: boolean,
): Promise<ServerLineage> {
  const [row] = await replication.query<{ systemid: string; timeline: number | string; xlogpos: string }>(
    'IDENTIFY_SYSTEM',
  )
  if (row === undefined) throw new ConnectError('the server returned no row for IDENTIFY_SYSTEM')
  const timeline = Number(row.timeline)
  const history = timeline === 1 ? '' : await timelineHistory(replication, timeline)
  return { system: row.systemid, timelines: timelinesOf(timeline, history), walEnd: parseLsn(row.xlogpos), standby }
}

/** undefined_file: the server was restored without its timeline history file. */
const undefinedFile = '58P01'

async function timelineHistory(replication: Pick<PgConnection, 'query'>, timeline: number): Promise<string> {
  try {
    const [row] = await replication.query<{ content: string | Buffer }>(`TIMELINE_HISTORY ${timeline}`)
    return String(row?.content ?? '')
  } catch (error) {
    if (error instanceof ConnectError && codeOf(error.cause) === undefinedFile) return ''
    throw error
  }
}

/** Parses a timeline history file: one line for each ancestor, with its number, where it ended, and why. The server's own timeline is the last. */
export function timelinesOf(timeline: number, history: string): Timeline[] {
  const timelines: Timeline[] = []
  let begin = 0
  for (const [, id, end = ''] of history.matchAll(/^\s*(\d+)\s+([0-9A-F]+\/[0-9A-F]+)/gim)) {
    timelines.push({ name: timelineName(Number(id), begin), end: parseLsn(end) })
    begin = parseLsn(end)
  }
  return [...timelines, { name: timelineName(timeline, begin), end: Number.POSITIVE_INFINITY }]
}

function timelineName(id: number, begin: number): string {
  return begin === 0 ? String(id) : `${id}@${formatLsn(begin)}`
}

/** The name of the server's own timeline. */
export function currentTimeline(server: ServerLineage): string {
  return server.timelines.at(-1)?.name ?? unknownTimeline
}

/** For a user without REPLICATION, who cannot read the timeline. */
export const unknownTimeline = '0'

/** Identifies the server by SQL, for a user without REPLICATION: without timelines, and sufficient only for a snapshot. */
export async function identifyBySql(sql: PgConnection, standby: boolean): Promise<ServerLineage> {
  const [row] = await sql.query<{ system: string }>('select system_identifier::text as system from pg_control_system()')
  if (row === undefined) throw new ConnectError('the server returned no row for pg_control_system()')
  return { system: row.system, timelines: [], walEnd: Number.POSITIVE_INFINITY, standby }
}
