const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })
const precise = new Intl.NumberFormat('en', { maximumFractionDigits: 1 })

/** What stands where there is no value. */
export const none = '–'

/** `1,204`; from a million on `1.2 M`. */
export function count(value: number): string {
  if (Math.abs(value) >= 1e9) return `${precise.format(value / 1e9)} G`
  if (Math.abs(value) >= 1e6) return `${precise.format(value / 1e6)} M`
  return whole.format(value)
}

/** Records per second: one decimal below 10, none above. */
export function rate(perSecond: number | null): string {
  if (perSecond === null) return none
  if (perSecond > 0 && perSecond < 0.05) return '< 0.1/s'
  return `${perSecond < 10 ? precise.format(perSecond) : count(perSecond)}/s`
}

/** `1.4 GB`, in powers of 1000. */
export function bytes(value: number | null): string {
  if (value === null) return none
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']
  let [scaled, unit] = [value, 0]
  while (Math.abs(scaled) >= 1000 && unit < units.length - 1) [scaled, unit] = [scaled / 1000, unit + 1]
  return `${Math.abs(scaled) < 10 && unit > 0 ? precise.format(scaled) : whole.format(scaled)} ${units[unit]}`
}

/** `0.4 s`, `12 s`, `4 min 10 s`, `3 h 5 min`, `2 d 4 h`. */
export function duration(seconds: number | null): string {
  if (seconds === null) return none
  if (seconds < 9.95) return `${precise.format(Math.max(0, seconds))} s`
  const total = Math.round(seconds)
  if (total < 60) return `${total} s`
  const units: readonly (readonly [number, string, number, string])[] = [
    [86_400, 'd', 3600, 'h'],
    [3600, 'h', 60, 'min'],
    [60, 'min', 1, 's'],
  ]
  for (const [large, name, small, rest] of units) {
    if (total < large) continue
    const left = Math.floor((total % large) / small)
    return left === 0 ? `${Math.floor(total / large)} ${name}` : `${Math.floor(total / large)} ${name} ${left} ${rest}`
  }
  return `${total} s`
}

/** The last part of a class name, without `Connector`: `PostgresConnector` → `Postgres`, `S3SinkConnector` → `S3 sink`. */
export function shortClass(className: string): string {
  const last = className.split('.').at(-1) ?? className
  return last
    .replace(/Connector$/, '')
    .replace(/(?:Stream)?(Sink|Source)$/, (_, kind: string) => ` ${kind.toLowerCase()}`)
}

/** `1 task`, `2 tasks`. */
export function plural(number: number, noun: string): string {
  return `${count(number)} ${noun}${number === 1 ? '' : 's'}`
}
