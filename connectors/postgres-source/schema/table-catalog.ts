import type { PgConnection } from '../connection/pg-connection.ts'
import type { TableName } from './sql-text.ts'

/** Properties of a column that the catalog holds and the stream does not send. */
export interface CatalogColumn {
  readonly name: string
  readonly typeOid: number
  readonly typmod: number
  readonly notNull: boolean
  /** The default expression as Postgres prints it; null when there is none. */
  readonly defaultText: string | null
  readonly comment: string | null
  /** s stored, v virtual; null for a column that is not generated. */
  readonly generated: 's' | 'v' | null
}

/** `pg_class.relreplident`, how much of the old row an UPDATE or DELETE writes to the WAL: default (key), nothing, full, index. */
export type ReplicaIdentity = 'd' | 'n' | 'f' | 'i'

/** A table as the catalog describes it. Includes generated columns: the publication decides whether they are sent. */
export interface CatalogTable extends TableName {
  readonly oid: number
  /** pg_class.relkind: r table, p partitioned table. */
  readonly kind: string
  readonly identity: ReplicaIdentity
  readonly columns: readonly CatalogColumn[]
  /** Columns of the primary key in its order; else those of the first unique index; else none. */
  readonly keyColumns: readonly string[]
  readonly hasPrimaryKey: boolean
  /** Columns of the first unique index, other than the primary key, that identifies rows. */
  readonly uniqueColumns: readonly string[]
  /** Whether the key is checked at the end of the transaction: until then two rows may have the same key. */
  readonly keyDeferred: boolean
  /** Columns of the replica identity index. */
  readonly identityColumns: readonly string[]
  /** Columns of the old row that an UPDATE or DELETE writes to the WAL; null for none: then Postgres rejects both on a published table. */
  readonly oldColumns: readonly string[] | null
}

interface TableRow {
  oid: number
  schema: string
  name: string
  kind: string
  identity: ReplicaIdentity
  columns: ColumnRow[] | null
  indexes: IndexRow[] | null
}
interface ColumnRow {
  name: string
  type: number
  typmod: number
  not_null: boolean
  default: string | null
  comment: string | null
  generated: 's' | 'v' | ''
}
interface IndexRow {
  name: string
  primary: boolean
  identity: boolean
  usable: boolean
  deferred: boolean
  columns: string[]
}

const tableSql = `
select c.oid::int8::float8 as oid, n.nspname as schema, c.relname as name, c.relkind::text as kind,
  c.relreplident::text as identity,
  (select json_agg(json_build_object('name', a.attname, 'type', a.atttypid::int8, 'typmod', a.atttypmod,
      'not_null', a.attnotnull or (t.typtype = 'd' and t.typnotnull),
      'generated', coalesce(to_jsonb(a) ->> 'attgenerated', ''),
      'default', case when coalesce(to_jsonb(a) ->> 'attgenerated', '') = '' then pg_get_expr(d.adbin, d.adrelid) end,
      'comment', col_description(a.attrelid, a.attnum)) order by a.attnum)
    from pg_attribute a join pg_type t on t.oid = a.atttypid
      left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns,
  (select json_agg(json_build_object('name', ic.relname, 'primary', i.indisprimary, 'identity', i.indisreplident,
      'usable', i.indisunique and i.indisvalid and i.indpred is null and i.indexprs is null
        -- NULLs are all different to an index, unless it says otherwise (Postgres 15): such rows share a key.
        and (coalesce((to_jsonb(i) ->> 'indnullsnotdistinct')::bool, false) or not exists (
          select from unnest(i.indkey[0:i.indnkeyatts - 1]) as k(attnum)
          join pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum where not a.attnotnull)),
      'deferred', not i.indimmediate,
      'columns', (select json_agg(a.attname order by k.position)
        from unnest(i.indkey[0:i.indnkeyatts - 1]) with ordinality as k(attnum, position)
        join pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum)) order by ic.relname)
    from pg_index i join pg_class ic on ic.oid = i.indexrelid
    where i.indrelid = c.oid and (i.indisunique or i.indisreplident)) as indexes
from pg_class c join pg_namespace n on n.oid = c.relnamespace`

/** Reads the tables with these oids. Omits tables that do not exist. */
export async function readTables(connection: PgConnection, oids: readonly number[]): Promise<CatalogTable[]> {
  if (oids.length === 0) return []
  const rows = await connection.query<TableRow>(`${tableSql} where c.oid = any($1::oid[])`, [oids])
  return rows.map(tableOf)
}

/** Returns whether a column belongs to the replica identity, as the stream will announce it. */
export function isInIdentity(table: CatalogTable, column: string): boolean {
  if (table.identity === 'd') return table.hasPrimaryKey && table.keyColumns.includes(column)
  return table.identity === 'f' || (table.identity === 'i' && table.identityColumns.includes(column))
}
/** A table that a publication can cover. */
export interface ListedTable extends TableName {
  readonly oid: number
  /** pg_class.relkind: r table, p partitioned table. */
  readonly kind: string
  /** The table that it is a partition of. */
  readonly parent: number | null
  /** The transaction that attached it. */
  readonly attachedBy: string | null
}

const systemSchemas = `n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast') and n.nspname !~ '^pg_(temp|toast_temp)'`

/** Lists all tables that a publication can cover, ordered by schema and name. */
export async function listTables(connection: PgConnection): Promise<ListedTable[]> {
  return await connection.query<ListedTable>(`
select c.oid::int8::float8 as oid, n.nspname as schema, c.relname as name, c.relkind::text as kind,
  i.inhparent::int8::float8 as parent, i.xmin::text as "attachedBy"
from pg_class c join pg_namespace n on n.oid = c.relnamespace
  left join pg_inherits i on i.inhrelid = c.oid and c.relispartition
where c.relkind in ('r', 'p') and c.relpersistence = 'p' and ${systemSchemas}
order by n.nspname collate "C", c.relname collate "C"`)
}

/** A relation that a publication cannot cover. */
export interface UnpublishableRelation extends TableName {
  readonly oid: number
  readonly what: string
}

/** Lists relations that table.include.list may name by mistake. */
export async function listUnpublishable(connection: PgConnection): Promise<UnpublishableRelation[]> {
  return await connection.query<UnpublishableRelation>(`
select c.oid::int8::float8 as oid, n.nspname as schema, c.relname as name, case when c.relkind = 'v' then 'a view' when c.relkind = 'm' then
  'a materialized view' when c.relkind = 'f' then 'a foreign table' else 'an unlogged table' end as what
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where (c.relkind in ('v', 'm', 'f') or (c.relkind in ('r', 'p') and c.relpersistence = 'u')) and ${systemSchemas}`)
}

function tableOf(row: TableRow): CatalogTable {
  const indexes = row.indexes ?? []
  const primary = indexes.find((index) => index.primary)
  const unique = indexes.find((index) => index.usable && !index.primary)
  const key = primary ?? unique
  return {
    oid: row.oid,
    schema: row.schema,
    name: row.name,
    kind: row.kind,
    identity: row.identity,
    columns: (row.columns ?? []).map((column) => ({
      name: column.name,
      typeOid: column.type,
      typmod: column.typmod,
      notNull: column.not_null,
      defaultText: column.default,
      comment: column.comment,
      generated: column.generated === '' ? null : column.generated,
    })),
    keyColumns: key?.columns ?? [],
    hasPrimaryKey: primary !== undefined,
    uniqueColumns: unique?.columns ?? [],
    keyDeferred: key?.deferred ?? false,
    identityColumns: indexes.find((index) => index.identity)?.columns ?? [],
    oldColumns: oldColumnsOf(row, indexes),
  }
}

/** A deferrable primary key is not a replica identity. */
function oldColumnsOf(row: TableRow, indexes: readonly IndexRow[]): readonly string[] | null {
  switch (row.identity) {
    case 'f':
      return (row.columns ?? []).map((column) => column.name)
    case 'i':
      return indexes.find((index) => index.identity)?.columns ?? null
    case 'd':
      return indexes.find((index) => index.primary && !index.deferred)?.columns ?? null
    case 'n':
      return null
  }
}
