import { isLiteral } from '../schema/name-pattern.ts'
import { fullName } from '../schema/sql-text.ts'
import type { ListedTable } from '../schema/table-catalog.ts'
import type { TableFilter } from '../schema/table-filter.ts'

/** A table that the filters match, but whose rows are sent under no name that they match. */
export interface Uncovered {
  readonly table: ListedTable
  /** Tables under whose names its rows are sent; empty when the publication does not send them. */
  readonly sentAs: readonly ListedTable[]
  /** Whether table.include.list names exactly this table. */
  readonly named: boolean
}

/** The overlap of the filters and the publication. */
export interface Coverage {
  /** Tables under whose names rows are sent and captured. */
  readonly captured: readonly ListedTable[]
  readonly uncovered: readonly Uncovered[]
}

/** The partition tree. */
export class TableTree {
  readonly #tables: ReadonlyMap<number, ListedTable>
  readonly #children = new Map<number, ListedTable[]>()

  constructor(listed: readonly ListedTable[]) {
    this.#tables = new Map(listed.map((table) => [table.oid, table]))
    for (const table of listed) {
      if (table.parent === null) continue
      const siblings = this.#children.get(table.parent)
      if (siblings === undefined) this.#children.set(table.parent, [table])
      else siblings.push(table)
    }
  }

  /** The tables that store the rows of a table: itself, or its partitions. */
  leaves(table: ListedTable): ListedTable[] {
    if (table.kind !== 'p') return [table]
    return (this.#children.get(table.oid) ?? []).flatMap((child) => this.leaves(child))
  }

  /** The table and its partitioned ancestors. */
  upwards(table: ListedTable): ListedTable[] {
    const parent = table.parent === null ? undefined : this.#tables.get(table.parent)
    return parent === undefined ? [table] : [table, ...this.upwards(parent)]
  }
}

/** Oids of the tables under whose names a publication of these tables sends changes. */
export function sentTables(named: readonly ListedTable[], viaRoot: boolean, tree: TableTree): ReadonlySet<number> {
  if (!viaRoot) return new Set(named.flatMap((table) => tree.leaves(table)).map((table) => table.oid))
  const oids = new Set(named.map((table) => table.oid))
  const highest = (table: ListedTable): ListedTable | undefined =>
    tree.upwards(table).findLast((above) => oids.has(above.oid))
  return new Set(named.flatMap((table) => highest(table)?.oid ?? []))
}

/** @param sent oids of the tables under whose names changes are sent */
export function coverageOf(
  listed: readonly ListedTable[],
  sent: ReadonlySet<number>,
  tree: TableTree,
  filter: TableFilter,
): Coverage {
  const matching = listed.filter((table) => filter.includesTable(table))
  const captured = matching.filter((table) => sent.has(table.oid))
  const isCaptured = new Set(captured.map((table) => table.oid))
  const uncovered = matching.flatMap((table): Uncovered[] => {
    const named = isNamed(table, filter)
    const leaves = tree.leaves(table)
    // A partitioned table without partitions has no rows.
    const sentAs = leaves.map((leaf) => tree.upwards(leaf).find((above) => sent.has(above.oid)))
    const left = sentAs.filter((as) => as === undefined || !isCaptured.has(as.oid))
    const isCovered = named ? left.length === 0 : left.length < leaves.length
    if (isCovered || leaves.length === 0) return []
    return [{ table, named, sentAs: [...new Set(left.filter((as) => as !== undefined))] }]
  })
  return { captured, uncovered }
}

function isNamed(table: ListedTable, filter: TableFilter): boolean {
  return filter.tableInclude.some((pattern) => isLiteral(pattern) && pattern.regex.test(fullName(table)))
}
