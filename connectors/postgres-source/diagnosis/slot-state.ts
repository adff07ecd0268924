import type { PgConnection } from '../connection/pg-connection.ts'

/** What the server says of a slot, of the WAL it retains, and of what holds it back. Sizes in bytes. */
export interface SlotState {
  readonly active: boolean
  readonly retained: number
  /** `reserved`, `extended`, `unreserved` or `lost`; null before Postgres 13. */
  readonly walStatus: string | null
  /** max_slot_wal_keep_size; null: without limit. */
  readonly budget: number | null
  /** WAL per second since the statistics were reset; null before Postgres 14, or without statistics. */
  readonly walPerSecond: number | null
  readonly reader: { readonly pid: number; readonly application: string; readonly user: string } | null
  /** The oldest transaction that has written; null: there is none that is old. */
  readonly holder: {
    readonly pid: number
    readonly user: string
    readonly state: string
    readonly seconds: number
  } | null
}

interface Row {
  active: boolean
  retained: string | null
  wal_status: string | null
  budget: string
  reader: number | null
  application: string | null
  reader_user: string | null
}

/** A younger transaction is normal work. Seconds. */
const oldSeconds = 5

/** Returns null when there is no such slot. */
export async function readSlotState(
  connection: PgConnection,
  slot: string,
  serverVersion: number,
): Promise<SlotState | null> {
  const hasLimit = serverVersion >= 130_000
  const [row] = await connection.query<Row>(
    `select s.active, ${hasLimit ? 's.wal_status' : 'null::text'} as wal_status,
       ${hasLimit ? "(select setting from pg_settings where name = 'max_slot_wal_keep_size')" : "'-1'"} as budget,
       pg_wal_lsn_diff(case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end,
         coalesce(s.restart_lsn, s.confirmed_flush_lsn))::text as retained,
       a.pid as reader, a.application_name as application, a.usename::text as reader_user
     from pg_replication_slots s left join pg_stat_activity a on a.pid = s.active_pid where s.slot_name = $1`,
    [slot],
  )
  if (row === undefined) return null
  const [holder] = await connection.query<{ pid: number; user: string | null; state: string | null; seconds: number }>(
    `select pid, usename::text as user, state, extract(epoch from now() - xact_start)::int as seconds from pg_stat_activity
     where backend_xid is not null and xact_start < now() - make_interval(secs => $1) order by xact_start limit 1`,
    [oldSeconds],
  )
  const megabytes = Number(row.budget)
  return {
    active: row.active,
    retained: Number(row.retained ?? 0),
    walStatus: row.wal_status,
    budget: megabytes < 0 ? null : megabytes * 1024 * 1024,
    walPerSecond: serverVersion >= 140_000 ? await walPerSecond(connection) : null,
    reader:
      row.reader === null ? null : { pid: row.reader, application: row.application ?? '', user: row.reader_user ?? '' },
    holder: holder === undefined ? null : { ...holder, user: holder.user ?? '', state: holder.state ?? '' },
  }
}

async function walPerSecond(connection: PgConnection): Promise<number | null> {
  const [row] = await connection.query<{ rate: number | null }>(
    'select (wal_bytes / nullif(extract(epoch from now() - stats_reset), 0))::float8 as rate from pg_stat_wal',
  )
  return row?.rate ?? null
}
