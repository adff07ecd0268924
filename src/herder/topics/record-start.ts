import { unreachable } from '../../foundation/assert.ts'
import type { PartitionRange } from '../../client/consumer/topic-tail.ts'
import { BadRequestError } from '../herder-errors.ts'

/** Where reading starts. */
export type RecordStart =
  | { readonly at: 'earliest' }
  | { readonly at: 'latest' }
  /** The same offset in each partition. */
  | { readonly at: 'offset'; readonly offset: number }
  /** Milliseconds since the epoch. */
  | { readonly at: 'time'; readonly ms: number }
  /** The next offset of each partition. */
  | { readonly at: 'cursor'; readonly offsets: ReadonlyMap<number, number> }

const cursorForm = /^\d{1,9}:\d{1,15}(?:,\d{1,9}:\d{1,15})*$/
const timeForm = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)$/

/** Parses `from`. @throws BadRequestError */
export function parseStart(from: string): RecordStart {
  if (from === 'earliest' || from === 'latest') return { at: from }
  if (/^\d{1,15}$/.test(from)) return { at: 'offset', offset: Number(from) }
  if (cursorForm.test(from)) {
    const offsets = from.split(',').map((each) => each.split(':').map(Number) as [number, number])
    return { at: 'cursor', offsets: new Map(offsets) }
  }
  const ms = timeForm.test(from) ? Date.parse(from) : Number.NaN
  if (!Number.isNaN(ms)) return { at: 'time', ms }
  throw new BadRequestError(
    '"from" is not earliest, latest, an offset, a time such as 2026-01-05T14:03:07Z, or the "next" of an earlier response',
  )
}

/** The text of a cursor, which {@link parseStart} parses. */
export function positionText(offsets: ReadonlyMap<number, number>): string {
  return [...offsets].map(([partition, offset]) => `${partition}:${offset}`).join(',')
}

/**
 * Returns the offset at which reading of a partition starts, within its range.
 * @param byTime the first offset at or after the time; -1: there is none
 */
export function startOffset(
  start: Exclude<RecordStart, { readonly at: 'latest' }>,
  { partition, start: first, end }: PartitionRange,
  byTime: ReadonlyMap<number, number>,
): number {
  const within = (offset: number): number => Math.min(Math.max(offset, first), end)
  switch (start.at) {
    case 'earliest':
      return first
    case 'offset':
      return within(start.offset)
    case 'cursor':
      return within(start.offsets.get(partition) ?? first)
    case 'time': {
      const offset = byTime.get(partition) ?? -1
      return offset < 0 ? end : within(offset)
    }
    default:
      return unreachable(start, 'start')
  }
}
