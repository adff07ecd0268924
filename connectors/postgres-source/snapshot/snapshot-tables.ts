import { ConnectError, RetriableError, errorMessage } from 'penstock/api'
import { codeOf, invalidText, pgError } from '../connection/pg-error.ts'
import type { PgSession } from '../connection/session.ts'
import { fullName, quoteIdentifier, quoteTable } from '../schema/table-filter.ts'
import { lockStatement, type TablePart } from '../schema/table-part.ts'

/**
 * Takes an ACCESS SHARE lock on every table before the first one is read, and makes sure that none was rewritten since
 * the snapshot: to an older snapshot such a table is empty, and the stream does not send what the rewrite did.
 * @throws RetriableError PG_LOCK_TIMEOUT, PG_TABLE_CHANGED: the snapshot begins again.
 */
export async function lockTables(session: PgSession, parts: readonly TablePart[]): Promise<void> {
  for (const part of parts) {
    try {
      await session.query(lockStatement(part))
    } catch (error) {
      // It says already who holds the lock.
      if (error instanceof ConnectError && error.code === 'PG_LOCK_TIMEOUT') throw error
      throw snapshotFailure(error instanceof ConnectError && error.cause !== undefined ? error.cause : error, part)
    }
  }
  const rewritten = await session.query<{ name: string }>(rewrittenSql, [parts.map((part) => part.table.oid)])
  if (rewritten.length > 0) throw tableChanged(rewritten.map((row) => row.name).join(', '), undefined)
}

/** pg_class as the snapshot sees it beside the files as they are now; of a partitioned table its partitions count. */
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

/** Why a table could not be read, with the table and what to do. */
export function snapshotFailure(error: unknown, part: TablePart): Error {
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
        'database holds bytes that are no text in UTF-8, which an encoding of SQL_ASCII allows. Correct the row, or move ' +
        'the data to a database with the encoding that it is in; then restart the task.',
      { code: 'PG_ENCODING', cause: error },
    )
  }
  return pgError(error, `reading the rows of ${name} for the snapshot`)
}

function tableChanged(names: string, cause: unknown): RetriableError {
  return new RetriableError(`${names} was altered or dropped while the snapshot was taken: it begins again`, {
    code: 'PG_TABLE_CHANGED',
    cause,
  })
}
