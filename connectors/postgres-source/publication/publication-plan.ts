import type { SourceSettings } from '../config/source-settings.ts'
import {
  needsGeneratedColumns,
  rejectedWrites,
  type PublishingRules,
  type RejectedWrites,
} from '../preflight/replica-identity.ts'
import type { CatalogTable, ListedTable } from '../schema/table-catalog.ts'
import { coverageOf, sentTables, type Coverage, type TableTree } from './coverage.ts'
import { alterStatement, createStatement, publishedOperations, type Publication } from './publication.ts'

/** The input of {@link planPublication}. */
export interface PlanInput {
  readonly settings: SourceSettings
  readonly serverVersion: number
  readonly publication: Publication | null
  /** All tables of the database. */
  readonly listed: readonly ListedTable[]
  readonly tree: TableTree
  /** Details of the tables that the publication may cover later. */
  readonly details: ReadonlyMap<number, CatalogTable>
}

/** The creation or extension of the publication when the task starts, as `publication.autocreate.mode` allows. */
export interface PublicationPlan {
  /** Creates the publication or adds tables; null when it stays as it is. Never removes anything. */
  readonly statement: string | null
  /** The tables in the statement. */
  readonly added: readonly ListedTable[]
  /** Tables on which the statement would make Postgres reject writes. They are not added to an existing publication. */
  readonly refused: readonly RejectedWrites[]
  readonly rules: PublishingRules
  readonly coverage: Coverage
}

export function planPublication(input: PlanInput): PublicationPlan {
  if (input.settings.snapshotMode === 'initial_only') return unpublished(input)
  return input.publication === null ? creation(input) : extension(input, input.publication)
}

/** Without a publication a snapshot reads each table, and a partitioned table under one name. */
function unpublished(input: PlanInput): PublicationPlan {
  const { settings, tree, listed } = input
  const matching = matchingTables(input)
  const isMatching = new Set(matching.map((table) => table.oid))
  const sent = settings.viaPartitionRoot
    ? sentTables(matching, true, tree)
    : new Set(
        matching
          .filter((table) => table.kind === 'r' || !tree.leaves(table).some((leaf) => isMatching.has(leaf.oid)))
          .map((table) => table.oid),
      )
  const rules = {
    operations: new Set<string>(),
    generatedColumns: false,
    publication: '',
    serverVersion: input.serverVersion,
  }
  const coverage = coverageOf(listed, sent, tree, settings.filter)
  return { statement: null, added: [], refused: [], rules, coverage }
}

function creation(input: PlanInput): PublicationPlan {
  const { settings, serverVersion, tree, listed, details } = input
  const matching = matchingTables(input)
  const named = { all_tables: listed, filtered: matching, disabled: matching, no_tables: [] }[settings.publicationMode]
  const held = detailsOf(named, tree, details)
  const rules = {
    operations: new Set(publishedOperations(settings)),
    publication: settings.publication,
    generatedColumns: held.some((table) => needsGeneratedColumns(table, serverVersion)),
    serverVersion,
  }
  return {
    statement: createStatement(settings, matching, rules.generatedColumns),
    added: named,
    refused: held.flatMap((table) => rejectedWrites(table, rules) ?? []),
    rules,
    coverage: coverageOf(listed, sentTables(named, settings.viaPartitionRoot, tree), tree, settings.filter),
  }
}

function extension(input: PlanInput, publication: Publication): PublicationPlan {
  const { settings, serverVersion, tree, listed, details } = input
  const { operations, generatedColumns } = publication
  const rules = { operations, generatedColumns, publication: publication.name, serverVersion }
  const sent = new Set(publication.tables.map((table) => table.oid))
  const isSent = (table: ListedTable): boolean => tree.upwards(table).some((above) => sent.has(above.oid))
  const missing =
    settings.publicationMode === 'filtered' && !publication.allTables
      ? matchingTables(input).filter((table) => !publication.named.has(table.oid) && !tree.leaves(table).every(isSent))
      : []
  const refused = detailsOf(missing, tree, details).flatMap((table) => rejectedWrites(table, rules) ?? [])
  const isRefused = new Set(refused.map(({ table }) => table.oid))
  const added = missing.filter((table) => !tree.leaves(table).some((leaf) => isRefused.has(leaf.oid)))
  return {
    statement: added.length === 0 ? null : alterStatement(publication, added),
    added,
    refused,
    rules,
    coverage: coverageOf(
      listed,
      new Set([...sent, ...sentTables(added, publication.viaRoot, tree)]),
      tree,
      settings.filter,
    ),
  }
}

function matchingTables({ listed, settings }: PlanInput): ListedTable[] {
  return settings.filter.order(listed.filter((table) => settings.filter.includesTable(table)))
}

function detailsOf(
  tables: readonly ListedTable[],
  tree: TableTree,
  details: ReadonlyMap<number, CatalogTable>,
): CatalogTable[] {
  const oids = new Set(tables.flatMap((table) => tree.leaves(table)).map((table) => table.oid))
  return [...oids].flatMap((oid) => details.get(oid) ?? [])
}
