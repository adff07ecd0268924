import { errorMessage, ConnectError, RetriableError } from 'penstock/api'
import type { PgConnection } from '../connection/pg-connection.ts'
import { codeOf, invalidText, pgError } from '../connection/pg-error.ts'
import { fullName, quoteIdentifier, quoteTable } from '../schema/sql-text.ts'
import { lockStatement, type TableProjection } from '../schema/table-projection.ts'

/**
 * Takes an ACCESS SHARE lock on every table before the first one is read, and checks that no table was rewritten since
 * the snapshot: a rewritten table is empty in an older snapshot, and the stream does not send the rewrite (I7).
 * @throws RetriableError PG_LOCK_TIMEOUT, PG_TABLE_CHANGED: the snapshot starts again
 */
export async function lockTables(connection: PgConnection, parts: readonly TableProjection[]): Promise<void> {
  for (const part of parts) {
    try {
      await connection.query(lockStatement(part))
    } catch (error) {
      // The message names the lock's holder already.
      if (error instanceof ConnectError && error.code === 'PG_LOCK_TIMEOUT') throw error
      throw snapshotFailure(error instanceof ConnectError && error.cause !== undefined ? error.cause : error, part)
    }
  }
  const rewritten = await connection.query<{ name: string }>(rewrittenSql, [parts.map((part) => part.table.oid)])
  if (rewritten.length > 0) throw tableChanged(rewritten.map((row) => row.name).join(', '), undefined)
}

// Compares pg_class as the snapshot sees it with the current files. For a partitioned table its partitions count.
const rewrittenSql = `
with recursive read (oid) as (
  select unnest($1::oid[])
  union
  select i.inhrelid from read join pg_class p on p.oid = read.oid and p.relkind = 'p'
    join pg_inherits i on i.inhparent = read.oid
)
select n.nspname || '.' || c.relname as name from read join pg_class c on c.oid = read.oid
  join pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'r' and c.relfilenode <> 0 and pg_relation_filenode(c.oid) is distinct from c.relfilenode order by 1`

/** undefined_table, undefined_column */
const changedMeanwhile = new Set(['42P01', '42703'])
const insufficientPrivilege = '42501'

/** Explains why a table could not be read, with the table and the remedy. */
export function snapshotFailure(error: unknown, part: TableProjection): Error {
  const code = codeOf(error) ?? ''
  const name = fullName(part.table)
  if (changedMeanwhile.has(code)) return tableChanged(name, error)
  const columns = part.columns.map((column) => column.name).join(', ')
  if (code === insufficientPrivilege) {
    const reason = errorMessage(error)
    const list = part.columns.map((column) => quoteIdentifier(column.name)).join(', ')
    return new ConnectError(
      `the snapshot may not read ${name} (${columns}): ${reason}. As its owner, run: GRANT SELECT (${list}) ON ` +
        `${quoteTable(part.table)} TO the user that database.user names; where row-level security is the reason: ALTER ` +
        'ROLE … BYPASSRLS;',
      { code: 'PG_PRIVILEGE', cause: error },
    )
  }
  if (code === invalidText) {
    return new ConnectError(
      `the snapshot cannot read ${name} (${columns}): ${errorMessage(error)}. The ` +
        'database holds bytes that are not valid UTF-8, which the encoding SQL_ASCII allows. Correct the row, or move ' +
        'the data to a database with its actual encoding; then restart the task.',
      { code: 'PG_ENCODING', cause: error },
    )
  }
  return pgError(error, `reading the rows of ${name} for the snapshot`)
}

function tableChanged(names: string, cause: unknown): RetriableError {
  return new RetriableError(`${names} was altered or dropped while the snapshot was taken: the snapshot starts again`, {
    code: 'PG_TABLE_CHANGED',
    cause,
  })
}
