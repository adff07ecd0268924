import { useState } from 'preact/hooks'

import type { ColumnChange, RecordChange, TopicRecord } from '../../model/records/record-change.ts'

import { indented, oneLine } from '../../model/records/exact-json.ts'
import { changeOf, summaryOf } from '../../model/records/record-change.ts'
import { Table } from '../../view/table.tsx'

/** One record on a line; opened, all that it has. */
export function RecordItem({ record }: { readonly record: TopicRecord }) {
  const [isOpen, setOpen] = useState(false)
  const change = changeOf(record.value)
  const kind =
    record.error === undefined ? (change?.operation ?? (record.value === null ? 'tombstone' : 'value')) : 'unreadable'
  return (
    <details class={`record ${kind}`} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>
        <span class="mono offset">
          {record.partition}:{record.offset}
        </span>
        <span class="time">{timeOf(record.timestamp)}</span>
        <span class="kind">{kind}</span>
        <span class="mono key">{oneLine(record.key)}</span>
        <span class="mono text">{summaryOf(record)}</span>
      </summary>
      {isOpen ? <RecordBody record={record} change={change} /> : null}
    </details>
  )
}

function RecordBody({ record, change }: { readonly record: TopicRecord; readonly change: RecordChange | null }) {
  const { key, value, headers, schema, raw } = record
  return (
    <div class="record-body">
      {change === null ? null : <ChangeTable change={change} />}
      <h3>Key {schemaText(schema.key)}</h3>
      <pre tabIndex={0}>{raw === undefined ? indented(key) : `base64 ${raw.key ?? 'null'}`}</pre>
      <h3>Value {schemaText(schema.value)}</h3>
      <pre tabIndex={0}>{raw === undefined ? indented(value) : `base64 ${raw.value ?? 'null'}`}</pre>
      {headers.length === 0 ? null : (
        <>
          <h3>Headers</h3>
          <pre tabIndex={0}>{headers.map((header) => `${header.key}: ${oneLine(header.value)}`).join('\n')}</pre>
        </>
      )}
    </div>
  )
}

/** The row before and after the change, changed columns marked. */
function ChangeTable({ change: { operation, columns, hasBefore } }: { readonly change: RecordChange }) {
  return (
    <Table kind="change">
      <table>
        <thead>
          <tr>
            <th scope="col">Column</th>
            <th scope="col">Before</th>
            <th scope="col">After</th>
          </tr>
        </thead>
        <tbody>
          {columns.map((column) => (
            <tr key={column.column} class={column.isChanged ? 'changed' : ''}>
              <th scope="row" class="mono">
                {column.column}
                {column.isChanged ? <span class="hidden"> (changed)</span> : null}
              </th>
              <td class="mono wrap">{sideText(column, 'before')}</td>
              <td class="mono wrap">{sideText(column, 'after')}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {operation === 'update' && !hasBefore ? (
        <p class="muted">The table has no REPLICA IDENTITY FULL: the event does not have the row before the change.</p>
      ) : null}
    </Table>
  )
}

function sideText(column: ColumnChange, side: 'before' | 'after'): string {
  const value = column[side]
  return value === undefined ? '' : oneLine(value)
}

function schemaText(note: TopicRecord['schema']['key']): string {
  if (note === null) return ''
  return `· ${note.name ?? note.type}${note.version === null ? '' : ` version ${note.version}`}`
}

/** `14:03:07.120`, of the browser's time zone. */
function timeOf(iso: string | null): string {
  if (iso === null) return '–'
  const date = new Date(iso)
  return `${date.toLocaleTimeString('en-GB')}.${String(date.getMilliseconds()).padStart(3, '0')}`
}
