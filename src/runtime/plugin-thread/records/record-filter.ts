import { isArray, isMap } from '../../../api/json/json-text.ts'
import type { ConnectValue } from '../../../api/schema.ts'
import type { RecordChoice } from './readable-record.ts'
import { keyTest } from './same-key.ts'

/** A record's parts as a filter sees them. */
export interface FilteredRecord {
  /** JSON texts. */
  readonly texts: readonly string[]
  /** By `key`, `value` and `headers`, as `readableValue` returns them. */
  readonly parts: Readonly<Record<string, ConnectValue>>
}

export interface RecordFilter {
  /** Returns whether a record that was converted passes. */
  readonly passes: (record: FilteredRecord) => boolean
  /** Returns whether bytes that cannot be converted pass. */
  readonly passesBytes: (bytes: Uint8Array) => boolean
}

/** `after.status=PAID`: a path of names, then the text of the value. */
const condition = /^([\p{L}\p{N}_$.-]+)=(.*)$/su

/**
 * Returns the filter of a choice.
 *
 * | filter | passes |
 * |---|---|
 * | `field=value` | records with a field of that name, or path `after.status`, whose text is `value`; a path may begin with `key`, `value` or `headers`. `null` is the text of null |
 * | `"text"`, `text` | records with `text` in the JSON of their key, value or a header |
 */
export function recordFilter(choice: RecordChoice): RecordFilter {
  if (choice.by === 'text') return textFilter(choice.text)
  const isWanted = keyTest(choice.key)
  return { passes: ({ parts }) => isWanted(parts['key'] ?? null), passesBytes: () => false }
}

function textFilter(filter: string): RecordFilter {
  const [, path, expected = ''] = condition.exec(filter) ?? []
  if (path !== undefined) {
    const names = path.split('.')
    return { passes: ({ parts }) => hasField(parts, names, expected), passesBytes: () => false }
  }
  const text = /^".*"$/s.test(filter) && filter.length > 1 ? filter.slice(1, -1) : filter
  return {
    passes: ({ texts }) => texts.some((part) => part.includes(text)),
    passesBytes: (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes(text),
  }
}

/** Searches all fields; the elements of an array belong to its field. */
function hasField(root: ConnectValue, names: readonly string[], expected: string): boolean {
  const open: { readonly value: ConnectValue; readonly path: readonly string[] }[] = [{ value: root, path: [] }]
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    const { value, path } = at
    if (typeof value !== 'object' || value === null || value instanceof Uint8Array) {
      if (endsWith(path, names) && textOf(value) === expected) return true
    } else if (isArray(value)) {
      for (const item of value) open.push({ value: item, path })
    } else {
      const entries = isMap(value) ? value : Object.entries(value)
      for (const [name, item] of entries) open.push({ value: item, path: [...path, textOf(name)] })
    }
  }
  return false
}

function endsWith(path: readonly string[], names: readonly string[]): boolean {
  const from = path.length - names.length
  return from >= 0 && names.every((name, i) => path[from + i] === name)
}

function textOf(value: ConnectValue): string {
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.length).toString('base64')
  return typeof value === 'object' && value !== null ? '' : String(value)
}
