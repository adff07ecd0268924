import { ConnectError } from 'penstock/api'
import type { SourceSettings } from '../config/source-settings.ts'
import type { PgConnection } from '../connection/pg-connection.ts'
import { TableTree } from '../publication/coverage.ts'
import { planPublication, type PlanInput, type PublicationPlan } from '../publication/publication-plan.ts'
import { publishedAs, readPublication, type Publication } from '../publication/publication.ts'
import { readSlot, type Slot } from '../replication/slot.ts'
import { customKey } from '../schema/key-column-rule.ts'
import { fullName, quoteIdentifier } from '../schema/sql-text.ts'
import { listTables, listUnpublishable, readTables, type CatalogTable } from '../schema/table-catalog.ts'
import { tableProjection, type TableProjection } from '../schema/table-projection.ts'
import { captureFindings } from './capture-findings.ts'
import type { Finding } from './finding.ts'
import { publicationFindings } from './publication-findings.ts'
import { readFindings } from './read-findings.ts'
import { identityWarnings } from './replica-identity.ts'
import { readServerFacts, type ServerFacts } from './server-facts.ts'

/** The state of the server and the problems found. */
export interface PreflightResult {
  /** `server_version_num`, such as 150018. */
  readonly serverVersion: number
  readonly standby: boolean
  /** `wal_sender_timeout`; 0 for none. */
  readonly senderTimeoutMs: number
  /** As {@link ServerFacts}. */
  readonly walBudgetBytes: number | null
  readonly publication: Publication | null
  /** The plan for the publication. */
  readonly plan: PublicationPlan
  readonly slot: Slot | null
  /** Captured tables, in the order of the snapshot. */
  readonly tables: readonly CatalogTable[]
  readonly problems: readonly Finding[]
  /** Properties of the tables that work, but may surprise the user. */
  readonly warnings: readonly string[]
}

/** Checks everything that must be right before a slot is created. Changes nothing. */
export async function runPreflight(connection: PgConnection, settings: SourceSettings): Promise<PreflightResult> {
  // Reading the catalog entry of a table waits for its lock, and so do later statements of the connection.
  await connection.query(`SET lock_timeout = ${settings.lockTimeoutMs}`)
  const server = await readServerFacts(connection)
  const publication = await readPublication(connection, settings.publication, server.version)
  const slot = await readSlot(connection, settings.slot, server.version)
  const listed = await listTables(connection)
  const tree = new TableTree(listed)
  const database = { settings, publication, listed, tree }
  const details = await readDetails(connection, database)
  const plan = planPublication({ ...database, details, serverVersion: server.version })
  const { coverage } = plan
  const tables = settings.filter.order(coverage.captured).flatMap((table) => details.get(table.oid) ?? [])
  const capture = {
    settings,
    publication,
    listed,
    unpublishable: await listUnpublishable(connection),
    coverage,
    reported: new Set(plan.refused.map(({ table }) => table.oid)),
    known: new Set<string>(),
  }
  const streams = settings.snapshotMode !== 'initial_only'
  const parts = tables.map((table) => tableProjection(table, publishedAs(publication, table), settings))
  return {
    serverVersion: server.version,
    standby: server.standby,
    senderTimeoutMs: server.sender_timeout,
    walBudgetBytes: server.wal_budget,
    publication,
    plan,
    slot,
    tables,
    problems: [
      ...(streams ? serverFindings(server, slot, settings) : []),
      ...captureFindings(streams ? capture : { ...capture, publication: null }),
      ...(streams ? await publicationFindings(connection, server, { publication, plan, settings }) : []),
      ...(await readFindings(connection, parts, server.user)),
      ...keyFindings(parts, settings),
    ],
    warnings: tables.flatMap((table) => identityWarnings(table, plan.rules, customKey(settings.keyRules, table))),
  }
}

/** Finds columns of message.key.columns that no row has. A running task reports them as a condition. */
function keyFindings(parts: readonly TableProjection[], settings: SourceSettings): Finding[] {
  return parts.flatMap(({ table, columns }) => {
    const names = columns.map((column) => column.name)
    const absent = (customKey(settings.keyRules, table) ?? []).filter((name) => !names.includes(name))
    if (absent.length === 0) return []
    const message =
      `message.key.columns names ${absent.join(', ')} of ${fullName(table)}, but its rows have no such column. ` +
      `The columns are: ${names.join(', ')}.`
    return [{ code: 'PG_KEY_COLUMNS', key: 'message.key.columns', message, stops: 'validation' }]
  })
}

/** Reads the details of tables that are captured, or that the publication may cover. */
async function readDetails(
  connection: PgConnection,
  { settings, publication, listed, tree }: Omit<PlanInput, 'details' | 'serverVersion'>,
): Promise<ReadonlyMap<number, CatalogTable>> {
  const all = publication === null && settings.publicationMode === 'all_tables'
  const wanted = listed.filter((table) => all || settings.filter.includesTable(table))
  const oids = new Set([...wanted, ...wanted.flatMap((table) => tree.leaves(table))].map((table) => table.oid))
  return new Map((await readTables(connection, [...oids])).map((table) => [table.oid, table]))
}

/** A session that starts: whether it takes a snapshot, and whether the task starts with it. */
export interface StartingSession {
  readonly reading: boolean
  readonly first: boolean
}

/** @throws ConnectError with all problems that stop the session; the code is that of the first one */
export function throwIfFound({ problems }: PreflightResult, { reading, first }: StartingSession): void {
  const stopping = problems.filter(({ stops }) => {
    if (stops === 'start') return first
    return stops === undefined || (stops === 'reading' && reading)
  })
  const [problem, ...others] = stopping
  if (problem === undefined) return
  const rest = others.map((other) => ` ${other.code}: ${other.message}`).join('')
  throw new ConnectError(`${problem.message}${rest}`, { code: problem.code })
}

function serverFindings(server: ServerFacts, slot: Slot | null, settings: SourceSettings): Finding[] {
  const findings: Finding[] = []
  if (server.wal_level !== 'logical') {
    findings.push({
      code: 'PG_WAL_LEVEL',
      key: 'database.hostname',
      message:
        `wal_level is "${server.wal_level}". Run: ALTER SYSTEM SET wal_level = logical; then restart Postgres ` +
        '(on RDS set rds.logical_replication = 1 in the parameter group).',
    })
  }
  if (!server.superuser && !server.replication) {
    findings.push({
      code: 'PG_REPLICATION_ROLE',
      key: 'database.user',
      message:
        `user "${server.user}" lacks the REPLICATION attribute. Run as a superuser: ALTER ROLE ${quoteIdentifier(server.user)} REPLICATION; ` +
        `(on RDS: GRANT rds_replication TO ${quoteIdentifier(server.user)};)`,
    })
  }
  if (slot === null && server.slots >= server.max_slots) {
    findings.push({
      code: 'PG_SLOTS',
      key: 'slot.name',
      message:
        `all ${server.max_slots} replication slots are in use, and "${settings.slot}" is not among them. Run: ` +
        `ALTER SYSTEM SET max_replication_slots = ${server.max_slots + 4}; then restart Postgres. Or drop a slot that is not ` +
        'active: SELECT slot_name, active FROM pg_replication_slots;',
    })
  }
  return findings
}
