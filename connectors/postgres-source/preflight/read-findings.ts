import type { PgConnection } from '../connection/pg-connection.ts'
import { fullName, quoteIdentifier, quoteTable, type TableName } from '../schema/sql-text.ts'
import type { TableProjection } from '../schema/table-projection.ts'
import type { Finding } from './finding.ts'

interface Access extends TableName {
  readonly usage: boolean
  /** Whether the user can read at least one column. */
  readonly some: boolean
  /** Wanted columns that the user cannot read. */
  readonly missing: readonly string[]
  /** Whether row-level security applies to the user. */
  readonly secured: boolean
  readonly owned: boolean
}

const accessSql = `
select n.nspname as schema, c.relname as name, has_schema_privilege(n.oid, 'USAGE') as usage,
  has_any_column_privilege(c.oid, 'SELECT') as some, row_security_active(c.oid) as secured,
  pg_has_role(c.relowner, 'USAGE') as owned,
  array(select wanted from unnest(part.columns) wanted where not has_column_privilege(c.oid, wanted, 'SELECT')) as missing
from json_to_recordset($1) as part (oid oid, columns text[])
  join pg_class c on c.oid = part.oid join pg_namespace n on n.oid = c.relnamespace order by 1, 2`

/** Checks that the user can read all wanted rows and columns. */
export async function readFindings(
  connection: PgConnection,
  parts: readonly TableProjection[],
  user: string,
): Promise<Finding[]> {
  if (parts.length === 0) return []
  const wanted = parts.map(({ table, columns }) => ({ oid: table.oid, columns: columns.map((column) => column.name) }))
  const found = await connection.query<Access>(accessSql, [JSON.stringify(wanted)])
  return [...tablesFinding(found, user), ...columnsFinding(found, user), ...securityFinding(found, user)]
}

function privilege(message: string): Finding[] {
  return [{ code: 'PG_PRIVILEGE', key: 'database.user', message, stops: 'reading' }]
}

function tablesFinding(found: readonly Access[], user: string): Finding[] {
  const refused = found.filter((table) => !table.usage || !table.some)
  if (refused.length === 0) return []
  const role = quoteIdentifier(user)
  const schemas = new Set(refused.filter((table) => !table.usage).map((table) => table.schema))
  const grants = [
    ...[...schemas].map((schema) => `GRANT USAGE ON SCHEMA ${quoteIdentifier(schema)} TO ${role};`),
    `GRANT SELECT ON ${refused.map(quoteTable).join(', ')} TO ${role};`,
  ]
  return privilege(`user "${user}" cannot read ${refused.map(fullName).join(', ')}. Run: ${grants.join(' ')}`)
}

function columnsFinding(found: readonly Access[], user: string): Finding[] {
  const refused = found.filter((table) => table.usage && table.some && table.missing.length > 0)
  if (refused.length === 0) return []
  const names = refused.map((table) => `${fullName(table)} (${table.missing.join(', ')})`)
  const grants = refused.map((table) => {
    const columns = table.missing.map(quoteIdentifier).join(', ')
    return `GRANT SELECT (${columns}) ON ${quoteTable(table)} TO ${quoteIdentifier(user)};`
  })
  return privilege(
    `user "${user}" cannot read columns of ${names.join(', ')}. Run: ${grants.join(' ')} or exclude the columns with ` +
      'column.exclude.list.',
  )
}

/** The stream ignores row-level security policies. A snapshot that applies them would read fewer rows than the stream sends. */
function securityFinding(found: readonly Access[], user: string): Finding[] {
  const secured = found.filter((table) => table.secured)
  if (secured.length === 0) return []
  const owned = secured.filter((table) => table.owned)
  const statements = [
    `ALTER ROLE ${quoteIdentifier(user)} BYPASSRLS;`,
    ...(owned.length === secured.length
      ? [
          `or as the owner: ${owned.map((table) => `ALTER TABLE ${quoteTable(table)} NO FORCE ROW LEVEL SECURITY;`).join(' ')}`,
        ]
      : []),
  ]
  return privilege(
    `row-level security hides rows of ${secured.map(fullName).join(', ')} from user "${user}", but the stream sends all ` +
      `rows. Run as a superuser: ${statements.join(' ')}`,
  )
}
