/** Order statistics of some samples. */
export interface Summary {
  readonly count: number
  readonly min: number
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly 'p99.9': number
  readonly max: number
}

/** The number of samples from which percentiles are shown instead of the median. */
export const manySamples = 21

/** The summary of at least one sample; percentiles are the nearest rank. */
export function summarize(samples: readonly number[]): Summary {
  const sorted = samples.toSorted((a, b) => a - b)
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN
  return {
    count: sorted.length,
    min: at(0.000_001),
    p50: at(0.5),
    p90: at(0.9),
    p99: at(0.99),
    'p99.9': at(0.999),
    max: at(1),
  }
}

/** `12.3` style: three significant digits, no exponent. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return '–'
  return value >= 100 ? String(Math.round(value)) : value.toPrecision(3)
}
