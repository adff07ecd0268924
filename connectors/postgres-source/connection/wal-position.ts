import { parseLsn } from '../offsets/lsn.ts'
import type { PgConnection } from './pg-connection.ts'

/**
 * SQL for the end of the WAL: on a standby, of the WAL that it has replayed.
 * @see https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADMIN-BACKUP
 */
export const walPositionSql =
  '(case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end)'

/** Reads the end of the WAL. Whatever is read afterwards contains everything committed before it. */
export async function readWalPosition(connection: PgConnection): Promise<number> {
  const [row] = await connection.query<{ lsn: string | null }>(`select ${walPositionSql}::text as lsn`)
  return row === undefined || row.lsn === null ? 0 : parseLsn(row.lsn)
}
