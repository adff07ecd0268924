const dayMs = 86_400_000

/** Whether the name is a time zone of the IANA database. */
export function isTimeZone(name: string): boolean {
  try {
    offsetFormat(name)
    return true
  } catch {
    return false
  }
}

const formats = new Map<string, Intl.DateTimeFormat>()

function offsetFormat(timeZone: string): Intl.DateTimeFormat {
  let format = formats.get(timeZone)
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' })
    formats.set(timeZone, format)
  }
  return format
}

/** The offset of a zone from UTC at a time, in milliseconds. */
function offsetMs(timeZone: string, atMs: number): number {
  if (timeZone === '' || timeZone === 'UTC') return 0
  const name = offsetFormat(timeZone)
    .formatToParts(atMs)
    .find((part) => part.type === 'timeZoneName')?.value
  const [, sign, hours = '0', minutes = '0', seconds = '0'] = /GMT([+-])(\d+):(\d+)(?::(\d+))?/.exec(name ?? '') ?? []
  const ms = (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * 1000
  return sign === '-' ? -ms : ms
}

/**
 * The next time after `nowMs` that is a whole number of intervals from midnight in the zone. Midnight is always one of them,
 * also on days that are longer or shorter because the clocks change.
 */
export function nextScheduled(nowMs: number, intervalMs: number, timeZone: string): number {
  const offset = offsetMs(timeZone, nowMs)
  const local = nowMs + offset
  const midnight = Math.floor(local / dayMs) * dayMs
  const next = Math.min(midnight + (Math.floor((local - midnight) / intervalMs) + 1) * intervalMs, midnight + dayMs)
  const moment = next - offset
  // Across a change of the clocks the result has another offset. It must lie after `nowMs` all the same.
  return Math.max(nowMs + 1, moment + offset - offsetMs(timeZone, moment))
}
