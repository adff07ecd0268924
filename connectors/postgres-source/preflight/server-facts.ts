import { ConnectError } from 'penstock/api'
import type { PgConnection } from '../connection/pg-connection.ts'

/** Settings and privileges, as the server reports them. Times in milliseconds. */
export interface ServerFacts {
  version: number
  wal_level: string
  standby: boolean
  sender_timeout: number
  superuser: boolean
  replication: boolean
  user: string
  max_slots: number
  slots: number
  may_create: boolean
  /** `max_slot_wal_keep_size` in bytes; null without limit, and before Postgres 13. */
  wal_budget: number | null
}

// Managed services grant replication by roles instead of the attribute.
const serverSql = `
select current_setting('server_version_num')::int as version, current_setting('wal_level') as wal_level,
  pg_is_in_recovery() as standby,
  (select setting::int from pg_settings where name = 'wal_sender_timeout') as sender_timeout,
  r.rolsuper as superuser, r.rolname as user,
  r.rolreplication or exists (select from pg_roles g where g.rolname in
    ('rds_superuser', 'rdsadmin', 'rdsrepladmin', 'rds_replication', 'cloudsqlsuperuser', 'azure_pg_admin')
    and pg_has_role(r.oid, g.oid, 'member')) as replication,
  current_setting('max_replication_slots')::int as max_slots, (select count(*)::int from pg_replication_slots) as slots,
  has_database_privilege(current_database(), 'CREATE') as may_create,
  (select nullif(setting::float8, -1) * 1048576 from pg_settings where name = 'max_slot_wal_keep_size') as wal_budget
from pg_roles r where r.rolname = current_user`

export async function readServerFacts(connection: PgConnection): Promise<ServerFacts> {
  const [server] = await connection.query<ServerFacts>(serverSql)
  if (server === undefined) throw new ConnectError('pg_roles has no row for the current user')
  return server
}
