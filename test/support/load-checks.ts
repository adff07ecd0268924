import type { ChangeLoad } from './change-load.ts'
import type { ElasticsearchClient } from './elasticsearch-client.ts'
import { RowHistory } from './row-history.ts'
import { dumpTopic } from './topic-dump.ts'

/** The tables of a {@link ChangeLoad}. */
export type LoadTable = 'orders' | 'ledger'

/** What a topic holds: by offset the value, null for a tombstone; and what is wrong with its changes, nothing when all is well. */
export interface LoggedTable {
  readonly values: readonly (string | null)[]
  readonly faults: readonly string[]
}

/** Reads a table's topic with kcat and compares its changes, row by row, with each other and with the table. */
export async function loggedTable(
  load: ChangeLoad,
  table: LoadTable,
  topic: string,
  { kcat, broker }: { readonly kcat: string; readonly broker: string },
): Promise<LoggedTable> {
  const history = new RowHistory()
  const values: (string | null)[] = []
  await dumpTopic(kcat, broker, topic, ({ offset, key, value }) => {
    values[offset] = value
    if (value === null) return
    const { op, after } = JSON.parse(value) as { op: string; after: { rev: number } | null }
    if (op === 'd' || after === null) history.see(key, { kind: 'end' })
    else history.see(key, { kind: op === 'r' ? 'read' : 'change', rev: after.rev })
  })
  const rows = await load.rows(`SELECT id::text AS id, rev FROM ${table}`)
  history.finish(new Map(rows.map((row) => [`{"id":${String(row['id'])}}`, Number(row['rev'])])))
  return { values, faults: history.faults }
}

/** Where an index and its table part: empty when each row is a document, rendered by the rules of the sink. */
export async function documentFaults(
  load: ChangeLoad,
  table: LoadTable,
  client: ElasticsearchClient,
  index: string,
): Promise<readonly string[]> {
  const rows = new Map((await load.rows(selects[table])).map((row) => [String(row['id']), String(row['doc'])]))
  const documents = await client.documents(index)
  const faults: string[] = []
  for (const [id, row] of rows) {
    const found = documents.get(id)
    if (found === undefined) faults.push(`row ${id} has no document`)
    else if (normal(found) !== normal(row))
      faults.push(`row ${id} is ${row.slice(0, 300)}, its document ${found.slice(0, 300)}`)
  }
  for (const id of documents.keys()) if (!rows.has(id)) faults.push(`document ${id} has no row`)
  return faults.slice(0, 10)
}

/** Objects, and the order of keys in them, carry no meaning; trailing zeros of a second's fraction do not either. */
function normal(json: string): string {
  const { id, ...rest } = JSON.parse(json) as Record<string, unknown>
  const at = rest['at']
  if (typeof at === 'string') rest['at'] = at.replace(/\.?0*Z$/, 'Z')
  if (typeof rest['meta'] === 'string') rest['meta'] = JSON.parse(rest['meta'])
  return JSON.stringify([id, Object.entries(rest).toSorted(([a], [b]) => (a < b ? -1 : 1))])
}

const selects: Readonly<Record<LoadTable, string>> = {
  orders: `SELECT id::text AS id, json_build_object('id', id, 'rev', rev, 'total', total::text,
      'at', to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), 'meta', meta::text, 'tags', tags, 'big', big)::text AS doc FROM orders`,
  ledger: `SELECT id::text AS id, json_build_object('id', id, 'rev', rev, 'amount', amount::text, 'note', note)::text AS doc FROM ledger`,
}

/**
 * Where objects and a log part: empty when each value of the log stands in exactly one object, in order, and each object
 * begins at the offset in its name. Tombstones are no lines.
 * @param objects lines by key, of one partition
 */
export function archiveFaults(
  objects: ReadonlyMap<string, readonly string[]>,
  values: readonly (string | null)[],
): readonly string[] {
  const faults: string[] = []
  let next = 0
  const skipTombstones = (): void => {
    while (next < values.length && values[next] === null) next += 1
  }
  const sorted = [...objects].toSorted(([a], [b]) => (a < b ? -1 : 1))
  for (const [key, lines] of sorted) {
    const start = Number(/\+(\d+)\.json/.exec(key)?.[1])
    if (start < next) faults.push(`${key} begins before ${next}, which ends the object before`)
    skipTombstones()
    if (start > next) faults.push(`${key} leaves out offsets from ${next}`)
    next = Math.max(next, start)
    for (const line of lines) {
      skipTombstones()
      if (line !== values[next])
        faults.push(`${key}: offset ${next} is ${values[next]?.slice(0, 200)}, its line ${line.slice(0, 200)}`)
      next += 1
      if (faults.length > 10) return faults
    }
  }
  skipTombstones()
  if (next !== values.length) faults.push(`the objects end at ${next}, the log at ${values.length}`)
  return faults
}
