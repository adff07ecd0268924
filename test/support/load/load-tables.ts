import type { ChangeLoad } from '../postgres/change-load.ts'
import type { RenderedTable } from './document-check.ts'
import type { CountedRow } from './log-check.ts'

/** The tables of a {@link ChangeLoad}. */
export type LoadTable = 'orders' | 'ledger'
export const loadTables: readonly LoadTable[] = ['orders', 'ledger']

/** The largest id that a load may use: its row is written last. */
export const lastId = 999_999_999
const lastRows: Readonly<Record<LoadTable, string>> = {
  orders: `INSERT INTO orders VALUES (${lastId}, 0, 1, now(), '{}', '{}', NULL)`,
  ledger: `INSERT INTO ledger VALUES (${lastId}, 0, 1, 'last')`,
}

/** Writes the row after which a table does not change. */
export async function writeLastRow(load: ChangeLoad, table: LoadTable): Promise<void> {
  await load.rows(lastRows[table])
}

/** Each row's count of changes. */
export async function* countedRows(load: ChangeLoad, table: LoadTable): AsyncGenerator<CountedRow> {
  for await (const { id, rev } of rowsInOrder(load, table)) yield { id: Number(id), rev }
}

/** A table as its documents should be. */
export function renderedTable(load: ChangeLoad, table: LoadTable): RenderedTable {
  return {
    rows: async (ids) => {
      const possible = ids.filter((id) => /^\d{1,18}$/.test(id))
      const rows = await load.rows(`${selects[table]} WHERE id = ANY($1::bigint[])`, [possible])
      return new Map(rows.map((row) => [String(row['id']), String(row['doc'])]))
    },
    ids: async function* () {
      for await (const { id } of rowsInOrder(load, table)) yield id
    },
  }
}

const pageRows = 20_000

/** The rows of a table by ascending id, a page at a time: all of them may not fit into memory. */
async function* rowsInOrder(load: ChangeLoad, table: LoadTable): AsyncGenerator<{ id: string; rev: number }> {
  const select = `SELECT id::text AS text, rev FROM ${table} WHERE id > $1::bigint ORDER BY id LIMIT ${pageRows}`
  for (let after: string | undefined = '-1'; after !== undefined;) {
    const page = (await load.rows(select, [after])) as readonly { text: string; rev: number }[]
    for (const { text, rev } of page) yield { id: text, rev }
    after = page.at(-1)?.text
  }
}

const selects: Readonly<Record<LoadTable, string>> = {
  orders: `SELECT id::text AS id, json_build_object('id', id, 'rev', rev, 'total', total::text,
      'at', to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), 'meta', meta::text, 'tags', tags, 'big', big)::text AS doc FROM orders`,
  ledger: `SELECT id::text AS id, json_build_object('id', id, 'rev', rev, 'amount', amount::text, 'note', note)::text AS doc FROM ledger`,
}
