import type { Measurement } from './results.ts'
import { manySamples, short, summarize } from './stats.ts'
import { targets as ourTargets, type Target } from './targets.ts'

const us = 'penstock'
const header = ['', 'penstock', 'beside', '', 'ratio', 'target', '']

type Statistic = Target['statistic']
type Line = readonly string[]

/**
 * Formats a table: a line for each measurement of Penstock with its target and `pass` or `MISS`, and below it a line for each
 * rival and each other way to run Penstock. The ratio is our value divided by theirs.
 */
export function renderReport(measurements: readonly Measurement[], targets: readonly Target[] = ourTargets): string {
  const names = new Set(measurements.map(({ what }) => what))
  const lines = [...names].flatMap((what) => {
    const group = measurements.filter((one) => one.what === what)
    const statistics: readonly Statistic[] = group.some(({ samples }) => samples.length >= manySamples)
      ? ['p50', 'p99']
      : ['p50']
    return statistics.flatMap((statistic) => block(group, statistic, statistics.length > 1, targets))
  })
  const table = [header, ...lines]
  const widths = header.map((_, column) => Math.max(...table.map((line) => line[column]?.length ?? 0)))
  const row = (line: Line): string =>
    line
      .map((cell, column) =>
        rightAligned.has(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd()
  return table.map(row).join('\n')
}

const rightAligned = new Set([1, 3, 4])

function block(
  group: readonly Measurement[],
  statistic: Statistic,
  named: boolean,
  targets: readonly Target[],
): readonly Line[] {
  const [first] = group
  if (first === undefined) return []
  const own = group.find(({ who }) => who === us)
  const value = own === undefined ? Number.NaN : of(own, statistic)
  const target = targets.find((one) => one.what === first.what && one.statistic === statistic)
  const title = `${first.what}${named ? ` ${statistic}` : ''}, ${first.unit}`
  const head = [title, withSpread(own, statistic), '', '', '', ...absolute(value, target)]
  const others = group.filter(({ who }) => who !== us)
  const lines = others.map((other): Line => {
    const theirs = of(other, statistic)
    const ratio = other.who.startsWith(us) || Number.isNaN(value) ? '' : `${times(value / theirs)}×`
    const name = other.who.startsWith(`${us}, `) ? other.who.slice(us.length + 2) : other.who
    const [limit, outcome] = relative(value / theirs, other.who, target)
    return ['', '', name, withSpread(other, statistic), ratio, limit, outcome]
  })
  return [head, ...lines]
}

function absolute(value: number, target: Target | undefined): readonly [string, string] {
  if (Number.isNaN(value)) return noVerdict
  if (target?.atLeast !== undefined) return [`≥ ${format(target.atLeast)}`, verdict(value >= target.atLeast)]
  if (target?.atMost !== undefined) return [`≤ ${format(target.atMost)}`, verdict(value <= target.atMost)]
  return noVerdict
}

function relative(ratio: number, who: string, target: Target | undefined): readonly [string, string] {
  const [, least] = Object.entries(target?.against ?? {}).find(([rival]) => who.startsWith(rival)) ?? []
  return least === undefined || Number.isNaN(ratio) ? noVerdict : [`≥ ${times(least)}×`, verdict(ratio >= least)]
}

/** Small values keep a significant digit. */
const times = (ratio: number): string => (ratio < 0.095 ? ratio.toPrecision(1) : ratio.toFixed(2))

const verdict = (passed: boolean): string => (passed ? 'pass' : 'MISS')
const noVerdict = ['', ''] as const

const of = (one: Measurement, statistic: Statistic): number => summarize(one.samples)[statistic]

/** Few samples are shown with their range. */
function withSpread(one: Measurement | undefined, statistic: Statistic): string {
  if (one === undefined) return '–'
  const { min, max, count } = summarize(one.samples)
  // For few samples the median is shown, because their 99th percentile would be the maximum.
  const value = format(of(one, count < manySamples ? 'p50' : statistic))
  return count > 1 && count < manySamples ? `${value} (${format(min)}–${format(max)})` : value
}

function format(value: number): string {
  return value >= 1000
    ? Math.round(value).toLocaleString('en-US')
    : Number.isInteger(value)
      ? String(value)
      : short(value)
}
