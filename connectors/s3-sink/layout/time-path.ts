import { jodaFormat } from './joda-format.ts'
import { zoneOffsetMs } from './zone-offset.ts'

export interface TimePathSettings {
  readonly durationMs: number
  readonly pattern: string
  readonly locale: string
  readonly timeZone: string
}

/** Formatting and Intl are too slow for each record. */
const maxPaths = 10_000
/** A year and more. */
const maxOffsets = 50_000

/**
 * Returns Confluent's TimeBasedPartitioner: the start of the interval of a time, formatted. Intervals count from the midnight of
 * 1970-01-01 in the zone, so those of a day begin at its midnight on every day.
 */
export function timePath({ durationMs, pattern, locale, timeZone }: TimePathSettings): (timeMs: number) => string {
  const format = jodaFormat(pattern, locale, timeZone)
  const offsetAt = cachedOffsets(timeZone)
  const paths = new Map<number, string>()
  let lastStart = Number.NaN
  let lastPath = ''
  return (timeMs) => {
    const start = Math.trunc((timeMs + offsetAt(timeMs)) / durationMs) * durationMs
    if (start === lastStart) return lastPath
    let path = paths.get(start)
    if (path === undefined) {
      const utc = utcOfLocal(start, offsetAt)
      path = format(utc, offsetAt(utc))
      if (paths.size >= maxPaths) paths.clear()
      paths.set(start, path)
    }
    lastStart = start
    lastPath = path
    return path
  }
}

/**
 * The time of a local one. As Joda's `convertLocalToUTC`: of two the earlier one, and for a local time that the clocks skip the one
 * that is as much later.
 */
function utcOfLocal(localMs: number, offsetAt: (timeMs: number) => number): number {
  const first = offsetAt(localMs)
  const offset = offsetAt(localMs - first)
  const isSkipped = first < 0 && offset !== first && offsetAt(localMs - offset) !== offset
  return localMs - (isSkipped ? first : offset)
}

const quarterMs = 900_000

/** Offsets change at full quarters of an hour. */
function cachedOffsets(timeZone: string): (timeMs: number) => number {
  const offsets = new Map<number, number>()
  let lastQuarter = Number.NaN
  let lastOffset = 0
  return (timeMs) => {
    const quarter = Math.floor(timeMs / quarterMs)
    if (quarter === lastQuarter) return lastOffset
    let offset = offsets.get(quarter)
    if (offset === undefined) {
      offset = zoneOffsetMs(timeZone, quarter * quarterMs)
      if (offsets.size >= maxOffsets) offsets.clear()
      offsets.set(quarter, offset)
    }
    lastQuarter = quarter
    lastOffset = offset
    return offset
  }
}
