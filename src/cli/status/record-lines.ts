import type { Output } from '../output/output.ts'
import { clippedTo, printable } from '../output/text.ts'
import type { TopicRecord } from '../rest-client/penstock-entities.ts'

type Row = Readonly<Record<string, unknown>>
const isRow = (value: unknown): value is Row => typeof value === 'object' && value !== null && !Array.isArray(value)

/** A change of a row as Debezium writes it. */
interface RowChange {
  readonly op: string
  readonly before: Row | null
  readonly after: Row | null
}

function rowChangeOf(value: unknown): RowChange | null {
  if (!isRow(value) || typeof value['op'] !== 'string' || !('after' in value || 'before' in value)) return null
  const row = (name: string): Row | null => {
    const found = value[name]
    return isRow(found) ? found : null
  }
  return { op: value['op'], before: row('before'), after: row('after') }
}

const compact = (value: unknown): string => (value === undefined ? '' : JSON.stringify(value))

/** What a change did to a row in a few words: the whole row for a new one, the fields that differ for an update. */
function changeText({ op, before, after }: RowChange): string {
  if (op === 'd') return `delete ${compact(before)}`
  if (op === 'u' && before !== null && after !== null) {
    const fields = Object.keys(after).filter((name) => compact(before[name]) !== compact(after[name]))
    if (fields.length > 0)
      return `update ${fields.map((name) => `${name}: ${compact(before[name])} → ${compact(after[name])}`).join(', ')}`
  }
  const words: Readonly<Record<string, string>> = { c: 'insert', r: 'read', u: 'update', t: 'truncate' }
  return `${words[op] ?? op} ${compact(after)}`
}

/** Whether a record is shown in one line, or with all of its key, value and headers. */
export type RecordForm = 'line' | 'full'

/** A record for a person. */
export function recordLines({ paint, terminal }: Output, record: TopicRecord, form: RecordForm): readonly string[] {
  const { partition, offset, timestamp, key, value, headers, error, raw } = record
  const place = `${partition}:${offset}`.padEnd(8)
  const time = (timestamp ?? '').replace('T', ' ').replace(/Z$/, '')
  const head = `${place} ${time}`
  if (error !== undefined) {
    const reason = clippedTo(printable(`cannot be read: ${error}`), terminal.columns - head.length - 2)
    const bytes = Buffer.from(raw?.value ?? '', 'base64').toString('utf8')
    return [
      `${paint('dim', head)}  ${paint('red', reason)}`,
      ...(bytes === '' ? [] : [clippedTo(`  value as text: ${printable(bytes)}`, terminal.columns)]),
    ]
  }
  if (form === 'full') {
    const block = (name: string, part: unknown): readonly string[] =>
      `${name}  ${JSON.stringify(part, null, 2) ?? 'null'}`.split('\n').map((line) => `  ${printable(line)}`)
    const all =
      headers.length === 0 ? [] : block('headers', Object.fromEntries(headers.map((each) => [each.key, each.value])))
    return [paint('dim', head), ...block('key', key), ...block('value', value), ...all, '']
  }
  const change = rowChangeOf(value)
  const text = change === null ? (value === null ? 'tombstone' : compact(value)) : changeText(change)
  const room = terminal.columns - head.length - 4
  const keyText = key === null ? '' : clippedTo(printable(compact(key)), Math.max(12, Math.floor(room / 3)))
  return [
    `${paint('dim', head)}  ${paint('cyan', keyText)}${keyText === '' ? '' : '  '}${clippedTo(printable(text), room - keyText.length)}`,
  ]
}
