import { ConnectError, type Logger } from 'penstock/api'
import type { PgConnection } from '../connection/pg-connection.ts'
import { formatLsn, parseLsn } from '../offsets/lsn.ts'
import { quoteIdentifier, quoteLiteral } from '../schema/sql-text.ts'

/** A replication slot as the catalog describes it. */
export interface Slot {
  readonly name: string
  readonly plugin: string | null
  readonly database: string | null
  readonly active: boolean
  /** The LSN from which the stream continues; null while the slot is being created. */
  readonly confirmedLsn: number | null
  /** Whether the server has removed WAL that the slot needs. */
  readonly lost: boolean
}

export interface CreatedSlot {
  readonly consistentPoint: number
  /** The snapshot to import while the connection that created the slot stays idle. */
  readonly snapshot: string | null
}

/** Reads the slot with this name, whatever database it belongs to. */
export async function readSlot(connection: PgConnection, name: string, serverVersion: number): Promise<Slot | null> {
  const status = serverVersion >= 130_000 ? "coalesce(wal_status, '') = 'lost'" : 'restart_lsn is null'
  const [row] = await connection.query<{
    plugin: string | null
    database: string | null
    active: boolean
    confirmed: string | null
    lost: boolean
  }>(
    `select plugin, database, active, confirmed_flush_lsn::text as confirmed, ${status} as lost
     from pg_replication_slots where slot_name = $1`,
    [name],
  )
  if (row === undefined) return null
  return {
    name,
    plugin: row.plugin,
    database: row.database,
    active: row.active,
    confirmedLsn: row.confirmed === null ? null : parseLsn(row.confirmed),
    lost: row.lost,
  }
}

/** Creates the slot. Postgres waits for all open transactions of all databases of the server, however long they take. */
export async function createSlot(
  connection: PgConnection,
  name: string,
  exportSnapshot: boolean,
  logger: Logger,
): Promise<CreatedSlot> {
  const kind = exportSnapshot ? 'EXPORT_SNAPSHOT' : 'NOEXPORT_SNAPSHOT'
  const [row] = await connection.slotQuery<{ consistent_point: string; snapshot_name: string | null }>(
    `CREATE_REPLICATION_SLOT ${quoteIdentifier(name)} LOGICAL pgoutput ${kind}`,
    name,
  )
  if (row === undefined) throw new ConnectError(`the server returned no row for the new slot "${name}"`)
  logger.info(`replication slot "${name}" created at ${row.consistent_point}`)
  return { consistentPoint: parseLsn(row.consistent_point), snapshot: row.snapshot_name }
}

/** The first server version whose pgoutput sends logical messages. */
const logicalMessagesVersion = 140_000

export function startReplication(slot: string, publication: string, lsn: number, serverVersion: number): string {
  const names = quoteLiteral(quoteIdentifier(publication))
  return (
    `START_REPLICATION SLOT ${quoteIdentifier(slot)} LOGICAL ${formatLsn(lsn)} ` +
    `("proto_version" '1', "publication_names" ${names}${serverVersion >= logicalMessagesVersion ? `, "messages" 'true'` : ''})`
  )
}

export async function dropSlot(connection: PgConnection, name: string): Promise<void> {
  await connection.query('select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = $1', [
    name,
  ])
}

/**
 * Tells the user how to continue when changes are lost. Offsets belong to the connector's name, and `always` ignores them.
 * @param exists whether the slot exists: it must be dropped, because its position or its catalog is of no use
 */
export function rereadAdvice(slot: string, exists: boolean): string {
  const drop = exists ? `run SELECT pg_drop_replication_slot('${slot}'); then ` : ''
  return (
    `To read all tables again: ${drop}set snapshot.mode to always, and set it back when GET /connectors/<name>/offsets shows ` +
    'another offset; lost deletions stay lost. Or delete the connector and create it under another name: with ' +
    'snapshot.mode no_data it continues without what is lost.'
  )
}

/**
 * Checks that the stream can continue from a stored position without a gap (I7).
 * @param limit the furthest position that the slot may have confirmed, given the stored offset; null when none is stored
 * @throws ConnectError PG_SLOT_MISSING, PG_SLOT_LOST, PG_SLOT_AHEAD, PG_SLOT
 */
export function checkSlot(slot: Slot | null, name: string, database: string, limit: number | null): void {
  if (slot === null) {
    if (limit === null) return
    throw new ConnectError(
      `the stored offset at ${formatLsn(limit)} is no longer available on the server: replication slot "${name}" does ` +
        `not exist. Changes since then are lost to this connector. ${rereadAdvice(name, false)}`,
      { code: 'PG_SLOT_MISSING' },
    )
  }
  if (slot.plugin !== 'pgoutput' || slot.database !== database) {
    throw new ConnectError(
      `replication slot "${name}" exists for plugin ${slot.plugin ?? 'none'} in database ${slot.database ?? 'none'}, not ` +
        `for pgoutput in ${database}. Set slot.name to another name, or run: SELECT pg_drop_replication_slot('${name}');`,
      { code: 'PG_SLOT' },
    )
  }
  if (slot.lost) {
    throw new ConnectError(
      `replication slot "${name}" is lost: the server removed WAL that the slot needs (max_slot_wal_keep_size). ${rereadAdvice(name, true)}`,
      { code: 'PG_SLOT_LOST' },
    )
  }
  if (limit === null || slot.confirmedLsn === null || slot.confirmedLsn <= limit) return
  throw new ConnectError(
    `replication slot "${name}" is at ${formatLsn(slot.confirmedLsn)}, past the stored offset ${formatLsn(limit)}: ` +
      'another reader of the slot received the changes in between, or the slot was dropped and created again, or the ' +
      `stored offset is an old copy. ${rereadAdvice(name, true)}`,
    { code: 'PG_SLOT_AHEAD' },
  )
}
