import { expect, test } from 'vitest'
import { renderReport } from '../../../bench/parts/report.ts'
import type { Measurement } from '../../../bench/parts/results.ts'
import type { Target } from '../../../bench/parts/targets.ts'

const measurement = (what: string, who: string, unit: string, samples: readonly number[]): Measurement => ({
  what,
  who,
  unit,
  samples,
  conditions: {},
})
const rates = (who: string, ...samples: readonly number[]) => measurement('backlog', who, 'rows/s', samples)
const targets: readonly Target[] = [
  { what: 'backlog', statistic: 'p50', against: { pg_recvlogical: 0.5, Debezium: 1 } },
  { what: 'latency', statistic: 'p50', atMost: 5 },
  { what: 'latency', statistic: 'p99', atMost: 30 },
  { what: 'sink', statistic: 'p50', atLeast: 40_000 },
]
const lines = (...measurements: readonly Measurement[]): readonly string[] =>
  renderReport(measurements, targets)
    .split('\n')
    .slice(1)
    .map((line) => line.trim().replace(/ {2,}/g, ' | '))

test('a rival that a target names is passed or missed by the ratio of the medians', () => {
  expect(
    lines(
      rates('penstock', 60_000, 61_000, 70_000),
      rates('pg_recvlogical', 120_000),
      rates('Debezium 3.2.3, tuned', 62_000),
    ),
  ).toEqual([
    'backlog, rows/s | 61,000 (60,000–70,000)',
    'pg_recvlogical | 120,000 | 0.51× | ≥ 0.50× | pass',
    'Debezium 3.2.3, tuned | 62,000 | 0.98× | ≥ 1.00× | MISS',
  ])
})

test('another way to run Penstock is shown without a ratio or a verdict', () => {
  expect(lines(rates('penstock', 60_000), rates('penstock, with schemas', 26_000))).toEqual([
    'backlog, rows/s | 60,000',
    'with schemas | 26,000',
  ])
})

test('many samples are judged by their percentiles', () => {
  const samples = Array.from({ length: 100 }, (_, i) => (i < 97 ? 2 : 31))
  expect(lines(measurement('latency', 'penstock', 'ms', samples))).toEqual([
    'latency p50, ms | 2 | ≤ 5 | pass',
    'latency p99, ms | 31 | ≤ 30 | MISS',
  ])
})

test('a ratio keeps its leading digit however small it is', () => {
  expect(
    lines(measurement('latency', 'penstock', 'ms', [2]), measurement('latency', 'Debezium', 'ms', [490])),
  ).toContain('Debezium | 490 | 0.004×')
})

test('a lower limit is met by a value that reaches it', () => {
  expect(lines(measurement('sink', 'penstock', 'docs/s', [40_000]))).toEqual([
    'sink, docs/s | 40,000 | ≥ 40,000 | pass',
  ])
})

test('a measurement of a rival alone is shown without a verdict', () => {
  expect(lines(rates('Debezium 3.2.3, tuned', 45_000))).toEqual([
    'backlog, rows/s | –',
    'Debezium 3.2.3, tuned | 45,000',
  ])
})
