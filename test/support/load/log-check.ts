import type { DumpedRecord } from '../broker/topic-dump.ts'
import { RowHistory, type RowChange } from '../postgres/row-history.ts'
import { ValueDigests } from './value-digests.ts'

/** A row of a table with a count of its changes, as the table holds it. */
export interface CountedRow {
  readonly id: number
  readonly rev: number
}

/** What a topic is compared with. */
export interface LogExpectation {
  /** The rows of the table. */
  readonly rows: AsyncIterable<CountedRow>
  /** The offset after the last record. */
  readonly end: number
  /** How often the source began again from a stored offset, at most; each time it may send one run of records again. */
  readonly resumptions: number
}

/** What a topic holds, and where that is not what it should be. */
export interface LoggedTable {
  readonly values: ValueDigests
  /** How many streamed records repeat earlier ones, and in how many runs they stand. */
  readonly resent: number
  readonly runs: number
  readonly faults: readonly string[]
}

/**
 * Compares the records of a partition, row by row, with each other and with the table. Holds a few numbers for each record
 * and each row.
 */
export async function checkedLog(records: AsyncIterable<DumpedRecord>, expected: LogExpectation): Promise<LoggedTable> {
  const history = new RowHistory()
  const values = new ValueDigests()
  const faults: string[] = []
  for await (const { offset, key, value } of records) {
    if (offset !== values.length) {
      faults.push(`offset ${offset} stands where ${values.length} should`)
      break
    }
    values.push(value)
    if (value === null) continue
    const found = rowChangeOf(key, value)
    if (found !== null) history.see(found.id, found.change)
    else if (faults.length < 20) faults.push(`offset ${offset}: no change of a row: ${key} ${value.slice(0, 300)}`)
  }
  if (values.length !== expected.end) faults.push(`the records end at ${values.length}, the log at ${expected.end}`)
  for await (const { id, rev } of expected.rows) history.expect(id, rev)
  history.finish()
  const { resent, runs } = history
  if (runs > expected.resumptions)
    faults.push(`${resent} records are sent again in ${runs} runs; the source resumed ${expected.resumptions} times`)
  return { values, resent, runs, faults: [...faults, ...history.faults] }
}

/** The change of a row that a record of a table with the columns `id` and `rev` holds; null when it is none. */
export function rowChangeOf(key: string, value: string): { readonly id: number; readonly change: RowChange } | null {
  const id = /^\{"id":(\d{1,15})\}$/.exec(key)?.[1]
  const change = JSON.parse(value) as { op?: unknown; after?: { rev?: unknown } | null }
  if (id === undefined || typeof change.op !== 'string') return null
  if (change.op === 'd' || change.after === null || change.after === undefined)
    return { id: Number(id), change: { kind: 'end' } }
  const { rev } = change.after
  if (typeof rev !== 'number' || !Number.isSafeInteger(rev) || rev < 0) return null
  return { id: Number(id), change: { kind: change.op === 'r' ? 'read' : 'change', rev } }
}
