import { systemClock } from 'penstock/api'

const hour = 3600
const day = 24 * hour
/** The Gregorian calendar, and with it the rules of time zones, repeats after 400 years. */
const cycle = 146_097 * day
/** Before 1800 and after 2400, all years are alike. In seconds since the epoch. */
const [first, last] = [-5_364_662_400, 13_569_465_600]
const maxKnown = 10_000

/** A time zone: offsets from UTC in seconds. */
export interface Zone {
  /** Returns the offset at a local time, in seconds. In the hour of a change it is the one before the change, as in Java. */
  atLocal(localSeconds: number): number
  /** Returns the offset now. */
  now(): number
}

/** @throws RangeError for an unknown time zone. */
export function zoneNamed(name: string): Zone {
  const fixed = /^([+-])(\d{2}):(\d{2})(?::(\d{2}))?$/.exec(name)
  return fixed === null ? namedZone(name) : fixedZone(name, fixed)
}

function fixedZone(name: string, [, sign, hours, minutes, seconds = '0']: RegExpExecArray): Zone {
  const offset = Number(hours) * hour + Number(minutes) * 60 + Number(seconds)
  if (offset > 18 * hour || Number(minutes) > 59 || Number(seconds) > 59)
    throw new RangeError(`no such offset: ${name}`)
  const signed = sign === '-' ? -offset : offset
  return { atLocal: () => signed, now: () => signed }
}

function namedZone(name: string): Zone {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: name,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
  const known = new Map<number, number>()
  const at = (utcSeconds: number): number => {
    const second = withinYears(utcSeconds)
    // Since 1970, offsets have changed only at quarters of an hour.
    const key = second < 0 ? second : Math.floor(second / 900) * 900
    let offset = known.get(key)
    if (offset === undefined) {
      if (known.size >= maxKnown) known.clear()
      offset = wallClock(format, key) - key
      known.set(key, offset)
    }
    return offset
  }
  return { atLocal: (local) => offsetAtLocal(local, at), now: () => at(Math.floor(systemClock.now() / 1000)) }
}

function withinYears(second: number): number {
  if (second < first) return first
  return second <= last ? second : last - cycle + ((second - last) % cycle)
}

/** In a gap there is no such local time, in an overlap there are two. */
function offsetAtLocal(local: number, at: (utcSeconds: number) => number): number {
  const [before, after] = [at(local - day), at(local + day)]
  if (before === after) return before
  return at(local - after) === after && at(local - before) !== before ? after : before
}

/** Returns what a clock in the zone shows, as if it were UTC. */
function wallClock(format: Intl.DateTimeFormat, utcSeconds: number): number {
  const shown = new Map(format.formatToParts(utcSeconds * 1000).map(({ type, value }) => [type, Number(value)]))
  const part = (type: Intl.DateTimeFormatPartTypes): number => shown.get(type) ?? 0
  return Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second')) / 1000
}
