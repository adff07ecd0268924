import type { SourceSettings } from '../config/source-settings.ts'
import type { PgConnection } from '../connection/pg-connection.ts'
import type { PublicationPlan } from '../publication/publication-plan.ts'
import type { Publication } from '../publication/publication.ts'
import { fullName, quoteIdentifier, quoteTable, type TableName } from '../schema/sql-text.ts'
import type { ListedTable } from '../schema/table-catalog.ts'
import type { Finding } from './finding.ts'
import type { RejectedWrites } from './replica-identity.ts'
import type { ServerFacts } from './server-facts.ts'

/** The publication as it is, and how the task will create or extend it. */
export interface PlannedPublication {
  readonly publication: Publication | null
  readonly plan: PublicationPlan
  readonly settings: SourceSettings
}

/** Checks that the publication exists or this user can create or extend it, and that it blocks no writes. */
export async function publicationFindings(
  connection: PgConnection,
  server: ServerFacts,
  planned: PlannedPublication,
): Promise<Finding[]> {
  const { publication, plan, settings } = planned
  const findings = [...blockedWriteFindings(planned)]
  if (publication?.allTables === true && settings.publicationMode === 'filtered') {
    const name = quoteIdentifier(publication.name)
    findings.push(
      finding(
        `publication "${publication.name}" is for all tables, but publication.autocreate.mode is filtered. ` +
          `Set publication.autocreate.mode to all_tables, use another publication, or run: DROP PUBLICATION ${name};`,
      ),
    )
  }
  if (plan.statement === null) return findings
  if (publication === null && settings.publicationMode === 'disabled') {
    return [
      ...findings,
      finding(
        `publication "${settings.publication}" does not exist and publication.autocreate.mode is disabled. Run: ${plan.statement};`,
      ),
    ]
  }
  if (server.standby) {
    return [
      ...findings,
      finding(
        `the server is a standby, where publications cannot be created or altered. On the primary run: ${plan.statement};`,
      ),
    ]
  }
  if (server.superuser) return findings
  return [...findings, ...(await privileges(connection, server, planned))]
}

function finding(message: string, code = 'PG_PUBLICATION'): Finding {
  return { code, key: 'publication.name', message }
}

async function privileges(
  connection: PgConnection,
  server: ServerFacts,
  { publication, plan, settings }: PlannedPublication,
): Promise<Finding[]> {
  if (publication === null && settings.publicationMode === 'all_tables') {
    return [
      finding(
        `only a superuser can create a publication for all tables. Run as a superuser: ${plan.statement}; or set ` +
          'publication.autocreate.mode to filtered.',
        'PG_PRIVILEGE',
      ),
    ]
  }
  const foreign = await foreignTables(connection, plan.added)
  const ownsPublication = publication === null || (await isOwner(connection, publication))
  const mayCreate = publication !== null || server.may_create
  if (foreign.length === 0 && ownsPublication) {
    return mayCreate ? [] : [finding(mayNotCreate(server, plan.statement ?? '', settings), 'PG_PRIVILEGE')]
  }
  const role = quoteIdentifier(server.user)
  const changes = [
    ...(mayCreate ? [] : [grantCreate(server, settings)]),
    ...(ownsPublication ? [] : [`ALTER PUBLICATION ${quoteIdentifier(publication.name)} OWNER TO ${role};`]),
    ...foreign.map((table) => `ALTER TABLE ${quoteTable(table)} OWNER TO ${role};`),
  ]
  const owned = [...(ownsPublication ? [] : [`publication "${publication.name}"`]), ...foreign.map(fullName)]
  return [
    {
      ...finding(
        `user "${server.user}" does not own ${owned.join(', ')}, and only an owner can add tables to a publication. As a ` +
          `superuser or as the owner, run: ${plan.statement}; and set publication.autocreate.mode to disabled. Or run: ${changes.join(' ')}`,
        'PG_PRIVILEGE',
      ),
    },
  ]
}

function mayNotCreate(server: ServerFacts, statement: string, settings: SourceSettings): string {
  return (
    `user "${server.user}" cannot create publications. Run: ${grantCreate(server, settings)} or, as the owner of the ` +
    `tables: ${statement};`
  )
}

function grantCreate(server: ServerFacts, settings: SourceSettings): string {
  return `GRANT CREATE ON DATABASE ${quoteIdentifier(settings.connection.database)} TO ${quoteIdentifier(server.user)};`
}

async function foreignTables(connection: PgConnection, tables: readonly ListedTable[]): Promise<TableName[]> {
  return await connection.query<TableName>(
    `select n.nspname as schema, c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.oid = any($1::oid[]) and not pg_has_role(c.relowner, 'USAGE') order by 1, 2`,
    [tables.map((table) => table.oid)],
  )
}

async function isOwner(connection: PgConnection, publication: Publication): Promise<boolean> {
  const rows = await connection.query(
    `select 1 as one from pg_publication where pubname = $1 and pg_has_role(pubowner, 'USAGE')`,
    [publication.name],
  )
  return rows.length > 0
}

const shownTables = 20

/** Finds tables of the application on which the statement would block writes. */
export function blockedWriteFindings({ publication, plan, settings }: PlannedPublication): Finding[] {
  const { refused } = plan
  if (refused.length === 0) return []
  const tables = refused.slice(0, shownTables).map(({ table, reason }) => `${fullName(table)} (${reason})`)
  const more = refused.length > shownTables ? `, and ${refused.length - shownTables} more` : ''
  const name = publication?.name ?? settings.publication
  return [
    {
      code: 'PG_REPLICA_IDENTITY',
      key: 'publication.autocreate.mode',
      message:
        `${publication === null ? '' : 'tables are not captured, because '}once publication "${name}" covers them, Postgres ` +
        `rejects UPDATE, DELETE and INSERT … ON CONFLICT DO UPDATE on ${tables.join(', ')}${more}. ` +
        blockedWriteRemedies(publication, refused, settings),
      ...(publication === null ? {} : { stops: 'validation' }),
    },
  ]
}

function blockedWriteRemedies(
  publication: Publication | null,
  refused: readonly RejectedWrites[],
  settings: SourceSettings,
): string {
  const others = refused.some(({ table }) => !settings.filter.includesTable(table))
  if (others && publication === null && settings.publicationMode === 'all_tables') {
    return 'Set publication.autocreate.mode to filtered: then the publication covers only the captured tables.'
  }
  const remedies = refused.slice(0, shownTables).map(({ remedy }) => remedy)
  return `Run: ${remedies.join(' ')} Or exclude the tables with table.exclude.list.`
}
