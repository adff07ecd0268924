import type { ColumnPlan, TableShape } from '../schema/table-shape.ts'

/** The columns of a row as Postgres sent them: text by name, or null. Columns that the WAL does not hold are absent. */
export type RowText = Readonly<Record<string, string | null>>

/** The images of a row of which a value cannot be represented, by `event.converting.failure.handling.mode=fail`. */
export interface UnreadableRow {
  readonly before: RowText | null
  readonly after: RowText | null
  readonly error: Error
}

const textKind = 0x74
const nullKind = 0x6e
const newTag = 0x4e
const keyTag = 0x4b

/** Reads the images of an Insert, Update or Delete message, which start at `start`, without converting a value. */
export function imageTexts(bytes: Buffer, start: number, end: number, shape: TableShape): Omit<UnreadableRow, 'error'> {
  let before: RowText | null = null
  let position = start
  if (bytes[position] !== newTag) {
    const isKey = bytes[position] === keyTag
    const old = tupleTexts(bytes, position + 1, shape)
    // The other columns of such an image are null whatever the row held.
    const known = ({ inIdentity }: ColumnPlan): boolean => !isKey || inIdentity
    before = Object.fromEntries(old.columns.filter(([plan]) => known(plan)).map(([plan, text]) => [plan.name, text]))
    position = old.end
  }
  if (position >= end) return { before, after: null }
  const { columns } = tupleTexts(bytes, position + 1, shape)
  return { before, after: Object.fromEntries(columns.map(([plan, text]) => [plan.name, text])) }
}

type ColumnText = readonly [plan: ColumnPlan, text: string | null]

function tupleTexts(
  bytes: Buffer,
  start: number,
  shape: TableShape,
): { readonly columns: readonly ColumnText[]; readonly end: number } {
  const columns: ColumnText[] = []
  let position = start + 2
  for (const plan of shape.plans) {
    const kind = bytes[position]
    position += 1
    let text: string | null = null
    if (kind === textKind) {
      const from = position + 4
      position = from + bytes.readInt32BE(position)
      text = bytes.toString('utf8', from, position)
    } else if (kind !== nullKind) continue
    if (isCaptured(plan)) columns.push([plan, text])
  }
  return { columns, end: position }
}

const escapes: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' }

/** Reads a line of COPY's text format without converting a value; `end` is before the line feed. */
export function copyTexts(bytes: Buffer, start: number, end: number, shape: TableShape): RowText {
  const fields = bytes.toString('utf8', start, end).split('\t')
  const texts = shape.plans.map((plan, i): ColumnText => [plan, copyText(fields[i] ?? '')])
  return Object.fromEntries(texts.filter(([plan]) => isCaptured(plan)).map(([plan, text]) => [plan.name, text]))
}

function copyText(field: string): string | null {
  if (field === '\\N') return null
  return field.replaceAll(/\\([^])/g, (_, escaped: string) => escapes[escaped] ?? escaped)
}

/** Excluded columns stay out of dead letters too. */
function isCaptured({ valueIndex, keyIndex }: ColumnPlan): boolean {
  return valueIndex >= 0 || keyIndex >= 0
}

/** Which columns of a table are in its key. */
interface KeyColumns {
  readonly plans: readonly Pick<ColumnPlan, 'name' | 'keyIndex'>[]
  readonly keyCount: number
}

/** The columns of the key, of the new row if there is one. */
export function keyTexts(
  { before, after }: Omit<UnreadableRow, 'error'>,
  { plans, keyCount }: KeyColumns,
): RowText | null {
  const row = after ?? before
  if (row === null || keyCount === 0) return null
  const keys = plans.filter(({ keyIndex }) => keyIndex >= 0)
  return Object.fromEntries(keys.map(({ name }) => [name, textOf(row, name)]))
}

/** A column may be called `constructor`. */
function textOf(row: RowText, name: string): string | null {
  return Object.hasOwn(row, name) ? (row[name] ?? null) : null
}

/** Whether an update is one of the key. An old image without the key counts as such, as with rows that can be read. */
export function changesKey({ before, after }: UnreadableRow, shape: KeyColumns): boolean {
  if (before === null || after === null || shape.keyCount === 0) return false
  const [old, row] = [before, after].map((image) => keyTexts({ before: null, after: image }, shape))
  return Object.entries(row ?? {}).some(([name, text]) => old?.[name] !== text)
}
