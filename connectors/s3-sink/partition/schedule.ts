import { zoneOffsetMs } from '../layout/zone-offset.ts'

const dayMs = 86_400_000

/**
 * The next time after `nowMs` that is a whole number of intervals from midnight in the zone. Midnight is always one of them,
 * also on days that are longer or shorter because the clocks change.
 */
export function nextScheduled(nowMs: number, intervalMs: number, timeZone: string): number {
  const offset = zoneOffsetMs(timeZone, nowMs)
  const local = nowMs + offset
  const midnight = Math.floor(local / dayMs) * dayMs
  const next = Math.min(midnight + (Math.floor((local - midnight) / intervalMs) + 1) * intervalMs, midnight + dayMs)
  const moment = next - offset
  // Across a change of the clocks the result has another offset. It must lie after `nowMs` all the same.
  return Math.max(nowMs + 1, moment + offset - zoneOffsetMs(timeZone, moment))
}
