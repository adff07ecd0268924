import { ConnectError } from 'penstock/api'
import { formatLsn, parseLsn } from './lsn.ts'
import { codeOf } from '../connection/pg-error.ts'
import type { PgSession } from '../connection/session.ts'

/**
 * A line of log: positions compare only on one. Another cluster has another system identifier. A standby that is promoted
 * and a recovery to a point in time begin another timeline. The epoch counts how often the origin of the versions changed.
 */
export interface Line {
  /** Of 64 bits, and so a text. */
  readonly system: string
  /** `1`, or its number and where it begins: `2@0/3000060`. Two standbys that are promoted may give theirs the same number. */
  readonly timeline: string
  /** At least 1. */
  readonly epoch: number
}

/** Before the server was asked. */
export const noLine: Line = { system: '', timeline: '', epoch: 0 }

/** What a server says of its line of log. */
export interface ServerLine {
  readonly system: string
  readonly timelines: readonly Timeline[]
  /** Where its log ends; what a standby has received of it. */
  readonly logEnd: number
  readonly standby: boolean
}

/** A timeline that the server's log has gone through. */
export interface Timeline {
  readonly name: string
  /** Where the next one branches off; the last one has no end. */
  readonly end: number
}

/** @param replication a replication session. */
export async function identifySystem(replication: Pick<PgSession, 'query'>, standby: boolean): Promise<ServerLine> {
  const [row] = await replication.query<{ systemid: string; timeline: number | string; xlogpos: string }>(
    'IDENTIFY_SYSTEM',
  )
  if (row === undefined) throw new ConnectError('the server did not answer IDENTIFY_SYSTEM')
  const timeline = Number(row.timeline)
  const history = timeline === 1 ? '' : await timelineHistory(replication, timeline)
  return { system: row.systemid, timelines: timelinesOf(timeline, history), logEnd: parseLsn(row.xlogpos), standby }
}

/** A server that was restored without the file of its history. */
const undefinedFile = '58P01'

async function timelineHistory(replication: Pick<PgSession, 'query'>, timeline: number): Promise<string> {
  try {
    const [row] = await replication.query<{ content: string | Buffer }>(`TIMELINE_HISTORY ${timeline}`)
    return String(row?.content ?? '')
  } catch (error) {
    if (error instanceof ConnectError && codeOf(error.cause) === undefinedFile) return ''
    throw error
  }
}

/** The timelines of a history file, the server's own last. A line of it: `1`, where it ended, and why. */
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

/** The server's own timeline. */
export function currentTimeline(server: ServerLine): string {
  return server.timelines.at(-1)?.name ?? unknownTimeline
}

/** Where nobody may ask for it. */
export const unknownTimeline = '0'

/** The same over SQL, for a user who may not replicate: without timelines, and only good for reading tables. */
export async function identifyBySql(sql: PgSession, standby: boolean): Promise<ServerLine> {
  const [row] = await sql.query<{ system: string }>('select system_identifier::text as system from pg_control_system()')
  if (row === undefined) throw new ConnectError('the server did not answer pg_control_system()')
  return { system: row.system, timelines: [], logEnd: Number.POSITIVE_INFINITY, standby }
}
