import { useEffect, useState } from 'preact/hooks'

import type { TopicRecord } from '../../model/records/record-change.ts'

import { positionOf, withNewer } from '../../model/records/record-change.ts'
import { callExact } from '../../state/api.ts'
import { poll } from '../../state/poll.ts'
import { messageOf } from '../../state/store.ts'
import { RecordItem } from './record-item.tsx'

interface Records {
  readonly connector: string | null
  readonly next: string
  readonly note: string | null
  readonly records: readonly TopicRecord[]
}

interface RecordListProps {
  readonly topic: string
  readonly from: string
  /** Empty: all records. */
  readonly search: string
  readonly isFollowing: boolean
}

/** Records that are shown at once: a busy topic pushes the oldest out. */
const maxShown = 200
const [firstLimit, nextLimit] = [30, 100]

/** The records of a topic, newest first, decoded by the converters of a connector. */
export function RecordList({ topic, from, search, isFollowing }: RecordListProps) {
  const [state, setState] = useState<{
    readonly page: Records | null
    readonly records: readonly TopicRecord[]
    readonly error: string | null
  }>({ page: null, records: [], error: null })
  const [next, setNext] = useState<string | null>(null)
  useEffect(() => {
    if (!isFollowing && next !== null) return undefined
    let position = next
    const read = async (signal: AbortSignal): Promise<void> => {
      try {
        const query = new URLSearchParams({
          from: position ?? from,
          limit: String(position === null ? firstLimit : nextLimit),
        })
        if (search !== '') query.set('filter', search)
        const page = await callExact<Records>(`/topics/${encodeURIComponent(topic)}/records?${query}`, signal)
        position = page.next
        setNext(page.next)
        setState(({ records }) => ({ page, records: withNewer(records, page.records, maxShown), error: null }))
      } catch (error) {
        if (!signal.aborted) setState((before) => ({ ...before, error: messageOf(error) }))
      }
    }
    return poll(read).stop
    // The position is kept over a pause; while it follows, the loop has its own.
  }, [topic, from, search, isFollowing])
  const { page, records, error } = state
  return (
    <section aria-labelledby="records">
      <div class="head first">
        <h2 id="records">Records</h2>
        <span class="muted">
          {page === null
            ? ''
            : page.connector === null
              ? 'read by the converters of the worker'
              : `as ${page.connector} reads them`}
        </span>
        <span class="muted push">{page?.note ?? ''}</span>
      </div>
      {error === null ? null : <p class="field-error lead">{error}</p>}
      <div class="records">
        {records.map((record) => (
          <RecordItem key={positionOf(record)} record={record} />
        ))}
        {records.length === 0 && error === null ? (
          <p class="empty">{page === null ? 'Reading …' : search === '' ? 'No records.' : 'No record matches.'}</p>
        ) : null}
      </div>
    </section>
  )
}
