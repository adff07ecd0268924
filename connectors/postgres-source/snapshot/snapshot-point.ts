import { ConnectError } from 'penstock/api'
import type { PgConnection } from '../connection/pg-connection.ts'
import { walPositionSql } from '../connection/wal-position.ts'
import { parseLsn } from '../offsets/lsn.ts'
import { firstVersion } from '../offsets/row-version.ts'
import type { AheadSnapshot } from '../offsets/source-offset.ts'
import type { WalLineage } from '../offsets/wal-lineage.ts'
import { quoteLiteral } from '../schema/sql-text.ts'

/** Position and time of a snapshot. */
export interface SnapshotPoint {
  readonly lineage: WalLineage
  /** The slot's position, where the stream continues; also the position of the snapshot rows, whenever they are read. */
  readonly lsn: number
  readonly txId: number | null
  readonly micros: number
  /** The lead of the snapshot over the stream; null when it was taken at the slot's position. */
  readonly ahead: AheadSnapshot | null
}

/** Starts the transaction that reads all tables. @param imported the snapshot that the slot's creation exported; null for none */
export async function beginSnapshot(connection: PgConnection, imported: string | null): Promise<void> {
  await connection.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
  if (imported !== null) await connection.query(`SET TRANSACTION SNAPSHOT ${quoteLiteral(imported)}`)
}

/**
 * Reads the position and time of the snapshot, and the last transaction before it. The snapshot takes no transaction id: a
 * transaction with an id would block the creation of slots on the whole server.
 * @param lsn the slot's position; null for the current end of the WAL when there is no slot
 * @param exported whether the creation of the slot exported the snapshot
 */
export async function snapshotPoint(
  connection: PgConnection,
  lsn: number | null,
  lineage: WalLineage,
  { standby, exported }: { readonly standby: boolean; readonly exported: boolean },
): Promise<SnapshotPoint> {
  // A transaction becomes visible before its commit record is written out, and a standby applies it before it reports it.
  const end = standby ? 'greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())' : 'pg_current_wal_insert_lsn()'
  const txId = standby ? 'null::float8' : '(txid_snapshot_xmax(txid_current_snapshot()) - 1)::float8'
  const [row] = await connection.query<{ tx: number | null; micros: number; lsn: string; end: string }>(
    `select ${txId} as tx, (extract(epoch from transaction_timestamp()) * 1000000)::float8 as micros, ${walPositionSql}::text as lsn, ${end}::text as end`,
  )
  if (row === undefined) throw new ConnectError('the server returned no row for the position of the snapshot')
  const position = lsn ?? parseLsn(row.lsn)
  const walEnd = parseLsn(row.end)
  const isAhead = !exported && walEnd > position
  const ahead = isAhead ? { end: walEnd, version: firstVersion(lineage.epoch, position) } : null
  return { lineage, lsn: position, txId: row.tx, micros: Math.round(row.micros), ahead }
}
