import type { Coverage, TableTree } from './coverage.ts'
import { wantedOperations, type Publication } from './publication.ts'
import type { SourceSettings } from './settings.ts'
import type { ListedTable } from './table-catalog.ts'

/** A table whose rows arrive. */
export interface CapturedTable extends ListedTable {
  /** The captured table under whose name they do, when that is another one. */
  readonly root: number | null
  /** Changes when it, or a table between it and the top of its tree, is detached and attached again. */
  readonly place: string
}

/** What is captured at a moment. */
export interface CaptureView {
  readonly publication: Publication
  readonly tables: readonly CapturedTable[]
  /** Identifiers of all tables, those included whose changes cannot be captured. */
  readonly existing: ReadonlySet<number>
}

/** What there is to see. */
export interface Sight {
  readonly settings: SourceSettings
  readonly publication: Publication
  readonly coverage: Coverage
  readonly listed: readonly ListedTable[]
  readonly tree: TableTree
  readonly unlogged: readonly { readonly oid: number }[]
}

/** While the publication leaves operations out, no table is captured whole. */
export function captureView({ settings, publication, coverage, listed, tree, unlogged }: Sight): CaptureView {
  const isWhole = wantedOperations(settings).every((operation) => publication.operations.has(operation))
  const tables = new Map<number, CapturedTable>()
  for (const table of isWhole ? coverage.captured : []) {
    tables.set(table.oid, { ...table, root: null, place: placeOf(table, tree) })
    for (const leaf of tree.leaves(table)) {
      if (!tables.has(leaf.oid)) tables.set(leaf.oid, { ...leaf, root: table.oid, place: placeOf(leaf, tree) })
    }
  }
  return {
    publication,
    tables: [...tables.values()],
    existing: new Set([...listed, ...unlogged].map((table) => table.oid)),
  }
}

function placeOf(table: ListedTable, tree: TableTree): string {
  return tree
    .upwards(table)
    .flatMap(({ attachedBy }) => attachedBy ?? [])
    .join('.')
}
