import type { SourceSettings } from '../config/source-settings.ts'
import type { Coverage, Uncovered } from '../publication/coverage.ts'
import { alterStatement, wantedOperations, type Publication } from '../publication/publication.ts'
import { isLiteral } from '../schema/name-pattern.ts'
import { fullName, quoteIdentifier, type TableName } from '../schema/sql-text.ts'
import type { ListedTable, UnpublishableRelation } from '../schema/table-catalog.ts'
import { tableTopic } from '../schema/table-shape.ts'
import type { Finding } from './finding.ts'

/** The tables, the filters and the publication. */
export interface Capture {
  readonly settings: SourceSettings
  readonly publication: Publication | null
  readonly listed: readonly ListedTable[]
  readonly unpublishable: readonly UnpublishableRelation[]
  readonly coverage: Coverage
  /** Oids of tables that other findings report. */
  readonly reported: ReadonlySet<number>
  /** Names of tables that were captured before. */
  readonly known: ReadonlySet<string>
}

/** Checks that the rows of each captured table can arrive (I7). */
export function captureFindings(capture: Capture): Finding[] {
  return [
    ...listFindings(capture),
    ...operationFindings(capture),
    ...partitionFindings(capture),
    ...unpublishedFindings(capture),
    ...topicFindings(capture),
  ]
}

const shownTables = 20

function names(tables: readonly TableName[]): string {
  const text = tables.slice(0, shownTables).map(fullName).join(', ')
  return tables.length > shownTables ? `${text}, and ${tables.length - shownTables} more` : text
}

/** Finds names in table.include.list without a table that can be captured. */
function listFindings({ settings, listed, unpublishable, coverage }: Capture): Finding[] {
  const { database } = settings.connection
  const missing = settings.filter.tableInclude.filter(
    (pattern) => isLiteral(pattern) && !listed.some((table) => pattern.regex.test(fullName(table))),
  )
  const findings = missing.map((pattern): Finding => {
    const relation = unpublishable.find((other) => pattern.regex.test(fullName(other)))
    if (relation !== undefined) {
      const problem = `table.include.list names "${pattern.text}", which is ${relation.what}: Postgres does not publish its changes.`
      return {
        code: 'PG_TABLE',
        key: 'table.include.list',
        message: `${problem} Remove it from the list.`,
        stops: 'validation',
      }
    }
    return {
      code: 'PG_TABLE',
      key: 'table.include.list',
      message:
        `table.include.list names "${pattern.text}", but database ${database} has no such table. ` +
        `Entries are schema.table. ${known(listed)}`,
      stops: coverage.captured.length > 0 ? 'nothing' : 'validation',
    }
  })
  if (coverage.captured.length > 0 || coverage.uncovered.length > 0 || findings.length > 0) return findings
  return [
    {
      code: 'PG_TABLE',
      key: settings.filter.isNarrow ? 'table.include.list' : 'database.dbname',
      message: `no table of database ${database} is captured. ${known(listed)}`,
      stops: 'validation',
    },
  ]
}

function known(listed: readonly TableName[]): string {
  if (listed.length === 0) return 'The database has no tables.'
  return `It has: ${listed.slice(0, 10).map(fullName).join(', ')}${listed.length > 10 ? `, and ${listed.length - 10} more` : ''}.`
}

function operationFindings({ settings, publication }: Capture): Finding[] {
  if (publication === null) return []
  const left = wantedOperations(settings).filter((operation) => !publication.operations.has(operation))
  if (left.length === 0) return []
  const all = ['insert', 'update', 'delete', 'truncate']
  const publish = all.filter((operation) => publication.operations.has(operation) || left.includes(operation))
  const skipped = ['c', 'u', 'd', 't'].filter((letter, i) => {
    return settings.skippedOperations.has(letter) || !publication.operations.has(all[i] ?? '')
  })
  return [
    {
      code: 'PG_PUBLICATION',
      key: 'publication.name',
      message:
        `publication "${publication.name}" does not send ${left.join(', ')}, which skipped.operations does not exclude. ` +
        `Run: ALTER PUBLICATION ${quoteIdentifier(publication.name)} SET (publish = '${publish.join(', ')}'); or set ` +
        `skipped.operations to ${skipped.join(',')}.`,
      stops: 'start',
    },
  ]
}

/** Finds partitioned tables whose changes are sent under another name than the one that the filters match. */
function partitionFindings(capture: Capture): Finding[] {
  const { publication } = capture
  const found = missedTables(capture).filter((other) => other.sentAs.length > 0)
  return found.map(({ table, sentAs }) => ({
    code: 'PG_PARTITIONED',
    key: 'table.include.list',
    message:
      `changes of ${fullName(table)} are sent under the name of ${names(sentAs)}, which the filters exclude. ` +
      otherNames(table, sentAs, publication),
    stops: 'start',
  }))
}

function otherNames(table: TableName, sentAs: readonly ListedTable[], publication: Publication | null): string {
  const asRoot = sentAs.some((other) => other.kind === 'p')
  const change =
    publication === null
      ? `set publish.via.partition.root to ${!asRoot}`
      : `run: ALTER PUBLICATION ${quoteIdentifier(publication.name)} SET (publish_via_partition_root = ${!asRoot});`
  if (asRoot) return `Use ${names(sentAs)} in table.include.list instead, or ${change}`
  return `To capture them as ${fullName(table)}, ${change}${publication === null ? '.' : ''} Or add the partitions to table.include.list.`
}

/**
 * When the user manages the publication, it may omit tables that the filters match, except those that the list names
 * and those that were captured before. When nothing is captured, all of them are missed.
 */
function missedTables({ settings, coverage, known: captured, reported }: Capture): Uncovered[] {
  const left = coverage.uncovered.filter(({ table }) => !reported.has(table.oid))
  const missed = left.filter(({ table, named }) => {
    return named || settings.publicationMode === 'filtered' || captured.has(fullName(table))
  })
  return missed.length > 0 || coverage.captured.length > 0 ? missed : left
}

function unpublishedFindings(capture: Capture): Finding[] {
  const { publication, settings } = capture
  const found = missedTables(capture).filter((other) => other.sentAs.length === 0)
  if (found.length === 0 || publication === null) return []
  const tables = found.map(({ table }) => table)
  const statement = alterStatement(publication, tables)
  const remedy =
    settings.publicationMode === 'filtered'
      ? `Restart the task, which adds them, or run: ${statement};`
      : `Run: ${statement};`
  return [
    {
      code: 'PG_NOT_PUBLISHED',
      key: 'publication.name',
      message:
        `publication "${publication.name}" does not cover ${names(tables)} (a table that was dropped and created again must be ` +
        `added again): changes are not captured. ${remedy} Rows written before that are not captured: write them ` +
        'again, or set snapshot.mode to always once.',
      stops: unpublishedStops(capture),
    },
  ]
}

/** With no_tables the user adds tables to the publication later. */
function unpublishedStops({ settings, coverage }: Capture): 'start' | 'validation' | 'nothing' {
  if (settings.publicationMode === 'no_tables') return 'nothing'
  return coverage.captured.length === 0 ? 'start' : 'validation'
}

/** Kafka allows fewer characters in names than Postgres: two tables could share a topic. */
function topicFindings({ settings, coverage }: Capture): Finding[] {
  const byTopic = new Map<string, ListedTable[]>()
  for (const table of coverage.captured) {
    const topic = tableTopic(table, settings)
    byTopic.set(topic, [...(byTopic.get(topic) ?? []), table])
  }
  return [...byTopic]
    .filter(([, tables]) => tables.length > 1)
    .map(([topic, tables]) => ({
      code: 'PG_TOPIC_NAMES',
      key: 'table.include.list',
      message:
        `${names(tables)} would all write to topic ${topic}, where their rows cannot be distinguished. Exclude all but one with ` +
        'table.exclude.list or table.include.list, or rename them.',
      stops: 'start',
    }))
}
