import type { SourceSettings } from '../config/source-settings.ts'
import type { ListedTable } from '../schema/table-catalog.ts'
import type { Coverage, TableTree } from './coverage.ts'
import { wantedOperations, type Publication } from './publication.ts'

/** A table whose rows arrive. */
export interface CapturedTable extends ListedTable {
  /** The captured table under whose name its rows arrive, if that is another table. */
  readonly root: number | null
  /** Changes when the table, or a table between it and the root, is detached and attached again. */
  readonly place: string
  /** Oids of the publication entries that cover it: its own, or those of its schema and of the tables above it. */
  readonly entries: readonly number[]
}

/** The captured tables at a moment. */
export interface CaptureView {
  readonly publication: Publication
  readonly tables: readonly CapturedTable[]
  /** Oids of all tables, including those that cannot be captured. */
  readonly existing: ReadonlySet<number>
  /** Oids of the publication entries that cover a new table from its first row: those of schemas and partitioned tables. */
  readonly wideEntries: ReadonlySet<number>
}

/** The input of {@link captureView}. */
export interface CaptureViewInput {
  readonly settings: SourceSettings
  readonly publication: Publication
  readonly coverage: Coverage
  readonly listed: readonly ListedTable[]
  readonly tree: TableTree
  readonly unpublishable: readonly { readonly oid: number }[]
}

/** A publication that does not publish all wanted operations captures no table completely. */
export function captureView({
  settings,
  publication,
  coverage,
  listed,
  tree,
  unpublishable,
}: CaptureViewInput): CaptureView {
  const isWhole = wantedOperations(settings).every((operation) => publication.operations.has(operation))
  const tables = new Map<number, CapturedTable>()
  const captured = (table: ListedTable, root: number | null): CapturedTable => {
    return { ...table, root, place: placeOf(table, tree), entries: entriesOf(table, publication, tree) }
  }
  for (const table of isWhole ? coverage.captured : []) {
    tables.set(table.oid, captured(table, null))
    for (const leaf of tree.leaves(table)) if (!tables.has(leaf.oid)) tables.set(leaf.oid, captured(leaf, table.oid))
  }
  const roots = listed.filter((table) => table.kind === 'p').flatMap((table) => publication.named.get(table.oid) ?? [])
  return {
    publication,
    tables: [...tables.values()],
    existing: new Set([...listed, ...unpublishable].map((table) => table.oid)),
    wideEntries: new Set([...publication.schemas.values(), ...roots]),
  }
}

function entriesOf(table: ListedTable, { named, schemas }: Publication, tree: TableTree): readonly number[] {
  const own = named.get(table.oid)
  if (own !== undefined) return [own]
  return tree.upwards(table).flatMap(({ oid, schema }) => [named.get(oid) ?? [], schemas.get(schema) ?? []].flat())
}

function placeOf(table: ListedTable, tree: TableTree): string {
  return tree
    .upwards(table)
    .flatMap(({ attachedBy }) => attachedBy ?? [])
    .join('.')
}
