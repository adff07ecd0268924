import { ConnectError } from 'penstock/api'
import type { Finding } from './finding.ts'
import { publicationFindings } from './publication-findings.ts'
import { publishedAs, readPublication, type Publication } from './publication.ts'
import { readFindings } from './read-findings.ts'
import type { PgSession } from './session.ts'
import type { SourceSettings } from './settings.ts'
import { readServer, type ServerFacts } from './server-facts.ts'
import { readSlot, type Slot } from './slot.ts'
import { isInIdentity, listTables, readTables, type CatalogTable } from './table-catalog.ts'
import { tablePart } from './table-part.ts'
import { customKey, fullName, isLiteral, quoteIdentifier, quoteTable, type TableName } from './table-filter.ts'

/** What the server is and has, and what is wrong with it. */
export interface Survey {
  /** `server_version_num`, such as 150018. */
  readonly serverVersion: number
  readonly standby: boolean
  /** 0 when the server never gives a silent client up. */
  readonly senderTimeoutMs: number
  readonly publication: Publication | null
  readonly slot: Slot | null
  /** Captured tables, in the order of the snapshot. */
  readonly tables: readonly CatalogTable[]
  readonly problems: readonly Finding[]
  /** What works, and will surprise. */
  readonly warnings: readonly string[]
}

/** Looks at everything that has to be right before a slot is made. Changes nothing. */
export async function survey(session: PgSession, settings: SourceSettings): Promise<Survey> {
  // Looking at a table waits for who holds its lock, and so does all that the session does afterwards.
  await session.query(`SET lock_timeout = ${settings.lockTimeoutMs}`)
  const server = await readServer(session)
  const publication = await readPublication(session, settings.publication, server.version)
  const slot = await readSlot(session, settings.slot, server.version)
  const listed = await listTables(session)
  const matching = settings.filter.order(listed.filter((table) => settings.filter.includesTable(table)))
  const captured = matching.filter((table) => isCaptured(table, publication, settings))
  const details = await readTables(
    session,
    captured.map((table) => table.oid),
  )
  const tables = captured.flatMap((table) => details.find((detail) => detail.oid === table.oid) ?? [])
  const streams = settings.snapshotMode !== 'initial_only'
  return {
    serverVersion: server.version,
    standby: server.standby,
    senderTimeoutMs: server.sender_timeout,
    publication,
    slot,
    tables,
    problems: [
      ...(streams ? serverFindings(server, slot, settings) : []),
      ...tableFindings(listed, matching, settings),
      ...(streams ? await publicationFindings(session, server, publication, { matching, tables }, settings) : []),
      ...(await readFindings(
        session,
        tables.map((table) => tablePart(table, publishedAs(publication, table), settings)),
        server.user,
      )),
    ],
    warnings: tables.flatMap((table) => identityWarnings(table, customKey(settings.keyRules, table))),
  }
}

/** @throws ConnectError with all problems, the first one's code first. */
export function refuse(found: Survey): void {
  const [first, ...others] = found.problems
  if (first === undefined) return
  const rest = others.map((problem) => ` ${problem.code}: ${problem.message}`).join('')
  throw new ConnectError(`${first.message}${rest}`, { code: first.code })
}

/** What the publication sends is what there is to capture; without one, or where it is made to fit, the filters decide. */
function isCaptured(table: TableName, publication: Publication | null, settings: SourceSettings): boolean {
  if (publication === null || settings.snapshotMode === 'initial_only') return true
  if (settings.publicationMode === 'filtered' && !publication.allTables) return true
  return publication.tables.some((other) => other.schema === table.schema && other.name === table.name)
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
        `user "${server.user}" may not replicate. Run as a superuser: ALTER ROLE ${quoteIdentifier(server.user)} REPLICATION; ` +
        `(on RDS: GRANT rds_replication TO ${quoteIdentifier(server.user)};)`,
    })
  }
  if (slot === null && server.slots >= server.max_slots) {
    findings.push({
      code: 'PG_SLOTS',
      key: 'slot.name',
      message:
        `all ${server.max_slots} replication slots are taken and "${settings.slot}" is not among them. Run: ` +
        `ALTER SYSTEM SET max_replication_slots = ${server.max_slots + 4}; then restart Postgres, or drop one that nobody ` +
        'reads: SELECT slot_name, active FROM pg_replication_slots;',
    })
  }
  return findings
}

function tableFindings(
  listed: readonly TableName[],
  matching: readonly TableName[],
  settings: SourceSettings,
): Finding[] {
  const missing = settings.filter.tableInclude.filter(
    (pattern) => isLiteral(pattern) && !listed.some((table) => pattern.regex.test(fullName(table))),
  )
  const findings = missing.map((pattern) => ({
    code: 'PG_TABLE',
    key: 'table.include.list',
    message:
      `table.include.list names "${pattern.text}", and database ${settings.connection.database} has no such table. ` +
      `Entries are schema.table. ${known(listed)}`,
  }))
  if (findings.length > 0 || matching.length > 0) return findings
  return [
    {
      code: 'PG_TABLE',
      key: settings.filter.isNarrow ? 'table.include.list' : 'database.dbname',
      message: `no table of database ${settings.connection.database} is captured. ${known(listed)}`,
    },
  ]
}

function known(listed: readonly TableName[]): string {
  if (listed.length === 0) return 'The database holds no tables.'
  const names = listed.slice(0, 10).map(fullName).join(', ')
  return `It holds: ${names}${listed.length > 10 ? `, and ${listed.length - 10} more` : ''}.`
}

/** What a table's replica identity and key make of its changes. */
function identityWarnings(table: CatalogTable, custom: readonly string[] | null): string[] {
  const name = fullName(table)
  const sql = quoteTable(table)
  if (table.kind !== 'r') return []
  if (table.identity === 'n' || (table.identity === 'd' && !table.hasPrimaryKey)) {
    return [
      `PG_REPLICA_IDENTITY: ${name} has no replica identity: while it is published, Postgres refuses UPDATE and DELETE on ` +
        `it. Run: ALTER TABLE ${sql} ADD PRIMARY KEY (…); or ALTER TABLE ${sql} REPLICA IDENTITY FULL;`,
    ]
  }
  const outside = (custom ?? []).filter((column) => !isInIdentity(table, column))
  if (outside.length > 0) {
    return [
      `PG_REPLICA_IDENTITY: message.key.columns makes ${outside.join(', ')} part of the key of ${name}, and the replica ` +
        'identity does not hold it: deletions carry stand-ins for it, and its own changes leave the old key behind. ' +
        `Run: ALTER TABLE ${sql} REPLICA IDENTITY FULL;`,
    ]
  }
  if (custom === null && table.keyColumns.length === 0) {
    return [
      `PG_KEYLESS: ${name} has no primary key: its records have no key, so sinks cannot tell its rows apart. ` +
        `Run: ALTER TABLE ${sql} ADD PRIMARY KEY (…); or set message.key.columns.`,
    ]
  }
  if (table.identity === 'i' && !table.keyColumns.every((column) => table.identityColumns.includes(column))) {
    return [
      `PG_REPLICA_IDENTITY: the replica identity index of ${name} does not hold its key (${table.keyColumns.join(', ')}): ` +
        `deletions carry stand-ins instead of the key. Run: ALTER TABLE ${sql} REPLICA IDENTITY DEFAULT;`,
    ]
  }
  return []
}
