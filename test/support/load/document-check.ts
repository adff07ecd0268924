/** A table whose rows are rendered as JSON by the rules of a sink. */
export interface RenderedTable {
  /** The rows of these ids, by id; none for an id that is no row. */
  readonly rows: (ids: readonly string[]) => Promise<ReadonlyMap<string, string>>
  /** The ids of all rows. */
  readonly ids: () => AsyncIterable<string>
}

/** An id and the source of a document. */
export type Document = readonly [id: string, source: string]

/**
 * Where an index and its table part: empty when each row is a document, rendered by the rules of the sink, and each document
 * a row. Holds one page, and the ids of the documents.
 */
export async function documentFaults(
  pages: AsyncIterable<readonly Document[]>,
  table: RenderedTable,
): Promise<readonly string[]> {
  const faults: string[] = []
  // Of ids as numbers a set takes a third of the memory.
  const seen = new Set<number | string>()
  for await (const page of pages) {
    const rows = await table.rows(page.map(([id]) => id))
    for (const [id, found] of page) {
      const row = rows.get(id)
      if (seen.has(known(id))) faults.push(`document ${id} is there twice`)
      if (row === undefined) faults.push(`document ${id} has no row`)
      else if (normal(found) !== normal(row))
        faults.push(`row ${id} is ${row.slice(0, 300)}, its document ${found.slice(0, 300)}`)
      seen.add(known(id))
    }
    if (faults.length >= 10) return faults.slice(0, 10)
  }
  for await (const id of table.ids()) {
    if (!seen.has(known(id))) faults.push(`row ${id} has no document`)
    if (faults.length >= 10) return faults
  }
  return faults
}

const known = (id: string): number | string => (/^[1-9]\d{0,14}$/.test(id) ? Number(id) : id)

/** Objects, and the order of keys in them, carry no meaning; trailing zeros of a second's fraction do not either. */
function normal(json: string): string {
  const { id, ...rest } = JSON.parse(json) as Record<string, unknown>
  const at = rest['at']
  if (typeof at === 'string') rest['at'] = at.replace(/\.?0*Z$/, 'Z')
  if (typeof rest['meta'] === 'string') rest['meta'] = JSON.parse(rest['meta'])
  return JSON.stringify([id, Object.entries(rest).toSorted(([a], [b]) => (a < b ? -1 : 1))])
}
