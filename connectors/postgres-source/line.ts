import { ConnectError } from 'penstock/api'
import { parseLsn } from './lsn.ts'
import type { PgSession } from './session.ts'

/**
 * A line of log: positions compare only on one. Another cluster has another system identifier; a standby that was promoted
 * or a recovery to a point in time begins another timeline. The epoch counts how often the origin of the versions changed.
 */
export interface Line {
  /** Of 64 bits, and so a text. */
  readonly system: string
  readonly timeline: number
  /** At least 1. */
  readonly epoch: number
}

/** What a server says of its line of log. */
export interface ServerLine {
  readonly system: string
  readonly timeline: number
  /** Where its log ends; what a standby has received of it. */
  readonly logEnd: number
}

/** @param replication a replication session. */
export async function identifySystem(replication: PgSession): Promise<ServerLine> {
  const [row] = await replication.query<{ systemid: string; timeline: number | string; xlogpos: string }>(
    'IDENTIFY_SYSTEM',
  )
  if (row === undefined) throw new ConnectError('the server did not answer IDENTIFY_SYSTEM')
  return { system: row.systemid, timeline: Number(row.timeline), logEnd: parseLsn(row.xlogpos) }
}

/** The same over SQL, for a user who may not replicate. The timeline is that of the last checkpoint. */
export async function identifyBySql(sql: PgSession, standby: boolean): Promise<ServerLine> {
  const end = standby ? 'coalesce(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())' : 'pg_current_wal_flush_lsn()'
  const [row] = await sql.query<{ system: string; timeline: number; log_end: string }>(
    `select system_identifier::text as system, timeline_id as timeline, ${end}::text as log_end
     from pg_control_system(), pg_control_checkpoint()`,
  )
  if (row === undefined) throw new ConnectError('the server did not answer pg_control_system()')
  return { system: row.system, timeline: row.timeline, logEnd: parseLsn(row.log_end) }
}
